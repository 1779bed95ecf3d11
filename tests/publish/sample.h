// Briefs made by hand: a small one as of a short capture, and one with the article's figures.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "publish/report.h"

namespace tocsin::sample {

inline Timestamp at(const char* text) { return parse_time(text).value(); }

inline FigureDefinition servers() {
  FigureDefinition definition;
  definition.id = "botnet.overseas-servers";
  definition.title["zh"] = "控制境内主机的境外服务器";
  definition.definition["zh"] = "控制境内主机的境外服务器数。";
  definition.caution["zh"] = "一个IP地址不等于一台机器或一个人。";
  definition.sentence["zh"] =
      "{period}，境外{value}台木马或僵尸网络控制服务器控制了{constituency}境内主机；其中位于{top.key}的有{top.value}"
      "台，占{top.share}，居首位。";
  definition.measure = "distinct actors";
  definition.kinds = {"botnet-control"};
  definition.by = {"actor-country"};
  definition.unit = "hosts";
  definition.title["en"] = "Overseas servers that control hosts of the constituency";
  definition.definition["en"] =
      "Distinct IP addresses, in a known country outside the constituency when they were seen, that controlled at "
      "least "
      "one host of the constituency with a Trojan or as part of a botnet.";
  definition.caution["en"] = "An address is not a machine or a person; where a server stands does not say who uses it.";
  definition.sentence["en"] =
      "{value} overseas {value|server|servers} controlled hosts of {constituency} by Trojans or botnets in {period}; "
      "{top.value} of them ({top.share}) {top.value|was|were} in {top.key}, the largest point of origin.";
  return definition;
}

inline FigureDefinition hosts() {
  FigureDefinition definition = servers();
  definition.id = "botnet.controlled-hosts";
  definition.title["zh"] = "被境外控制的境内主机";
  definition.definition["zh"] = "被境外控制的境内主机数。";
  definition.caution["zh"] = "一个IP地址不等于一台机器或一个人。";
  definition.sentence["zh"] =
      "{period}，{constituency}境内{value}台主机被境外控制服务器控制；其中被位于{top.key}的服务器控制的有{top.value}"
      "台，占{top.share}，居首位。";
  definition.measure = "distinct targets";
  definition.title["en"] = "Hosts of the constituency controlled from overseas";
  definition.definition["en"] =
      "Distinct IP addresses of the constituency that at least one overseas server controlled with a Trojan or as part "
      "of a botnet.";
  definition.caution["en"] = "One address may stand for many machines, and one machine may have had many addresses.";
  definition.sentence["en"] =
      "{value} {value|host|hosts} of {constituency} {value|was|were} controlled from overseas in {period}; servers in "
      "{top.key} controlled {top.value} of them ({top.share}).";
  return definition;
}

inline FigureDefinition scans() {
  FigureDefinition definition = servers();
  definition.id = "scan.overseas-hosts";
  definition.title["zh"] = "扫描境内网络的境外主机";
  definition.definition["zh"] = "扫描境内网络的境外主机数。";
  definition.caution["zh"] = "一个IP地址不等于一台机器或一个人。";
  definition.sentence["zh"] =
      "{period}，境外{value}台主机对{constituency}境内网络进行扫描；其中来自{top.key}的有{top.value}台，占{top.share}"
      "，居首位。";
  definition.kinds = {"scan"};
  definition.title["en"] = "Overseas hosts that scanned";
  definition.definition["en"] = "Distinct IP addresses overseas that scanned the constituency.";
  definition.caution.clear();
  definition.sentence["en"] =
      "{value} overseas {value|host|hosts} scanned {constituency} in {period}, {top.value} ({top.share}) from "
      "{top.key}.";
  return definition;
}

inline FigureResult result(FigureDefinition definition, const Period& period, double value,
                           std::vector<std::pair<std::string, double>> rows, const std::string& constituency) {
  FigureResult figure;
  figure.request.id = definition.id;
  figure.request.by = definition.by;
  figure.request.period = period;
  figure.definition = std::move(definition);
  figure.constituency = constituency;
  figure.value = value;
  for (auto& [key, count] : rows) figure.rows.push_back({{key}, count, value > 0 ? count / value : 0});
  return figure;
}

// One server in the United States, one host in Czechia, on one of two days.
inline Brief small() {
  Brief brief;
  brief.constituency = "Czechia";
  brief.period = {at("2024-02-13"), at("2024-02-15")};
  brief.confidence = Confidence::kConfirmed;
  brief.made = at("2024-03-01 09:30");
  brief.ledger = {3, std::string(64, 'a')};
  brief.location_databases = {"2026-06-17: geo-whois-asn-country (CC0), iptoasn-country (PDDL), asn (CC BY 4.0)",
                              "2022-10-29: libloc location database (CC BY-SA 4.0)"};
  SourceRecord source;
  source.id = "0123456789abcdef";
  source.name = "test-cc-capture-2.pcap";
  source.format = "pcap";
  source.sha256 = std::string(64, '7');
  source.bytes = 1'287'000;
  source.records = 6'747;
  source.skipped = 3;
  source.skipped_by_reason = {{"truncated header", 2}, {"unknown link type", 1}};
  source.examples = {"packet 7: truncated header", "packet 12: truncated header", "packet 90: unknown link type"};
  brief.sources = {source};
  BriefSection control{
      result(servers(), brief.period, 1, {{"US", 1}}, brief.constituency), {{{"2024-02-13"}, 1, 1}}, {}};
  BriefSection controlled{
      result(hosts(), brief.period, 1, {{"US", 1}}, brief.constituency), {{{"2024-02-13"}, 1, 1}}, {}};
  brief.sections = {control, controlled, {result(scans(), brief.period, 0, {}, brief.constituency), {}, {}}};
  for (BriefSection& section : brief.sections) section.figure.request.confidence = brief.confidence;
  return brief;
}

// The figures that a national CERT published for January and February 2013; countries but the first are made up.
inline Brief article() {
  Brief brief = small();
  brief.constituency = "CN";
  brief.period = {at("2013-01-01"), at("2013-03-01")};
  brief.confidence = Confidence::kProbable;
  const std::vector<std::pair<std::string, double>> origins{
      {"US", 2194}, {"JP", 810}, {"KR", 702}, {"DE", 520}, {"HK", 391}, {"RU", 322}, {"TW", 301}, {"GB", 240},
      {"BR", 188},  {"SG", 160}, {"FR", 141}, {"NL", 139}, {"IN", 120}, {"CA", 92},  {"UA", 80},  {"TR", 61},
      {"PL", 55},   {"IT", 51},  {"TH", 44},  {"VN", 40},  {"AU", 31},  {"ZA", 12},  {"AR", 9},   {"EG", 4},
      {"IR", 3},    {"SE", 2},   {"MT", 1},   {"XK", 1},   {"MU", 1}};
  BriefSection control{result(servers(), brief.period, 6747, origins, brief.constituency), {}, {}};
  control.figure.previous = 5990;
  std::vector<std::pair<std::string, double>> reach;
  for (const auto& [code, count] : origins) reach.emplace_back(code, count * 586);
  BriefSection controlled{result(hosts(), brief.period, 1'900'000, reach, brief.constituency), {}, {}};
  controlled.figure.previous = 1'820'400;
  controlled.figure.overlap = 88'123;
  BriefSection scanners{
      result(scans(), brief.period, 41, {{"RU", 20}, {"US", 20}, {"", 1}}, brief.constituency), {}, {}};
  for (int day = 0; day < 59; ++day) {
    const std::string key = format_day(brief.period.from + day * kDay);
    control.trend.push_back({{key}, static_cast<double>(900 + day * 9 + (day * 37) % 140), 0.1});
    controlled.trend.push_back({{key}, static_cast<double>(220'000 + day * 1900 + (day * 7919) % 40'000), 0.1});
    if (day % 9 == 0) scanners.trend.push_back({{key}, static_cast<double>(1 + day % 5), 0.1});
  }
  brief.sections = {control, controlled, scanners};
  return brief;
}

}  // namespace tocsin::sample

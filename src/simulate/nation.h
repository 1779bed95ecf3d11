// A nation in the making: what is planted goes through here, into the sources and into the truth.
#pragma once

#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "collect/ipfix_writer.h"
#include "collect/reader.h"
#include "simulate/random.h"
#include "simulate/scenario.h"
#include "simulate/truth.h"
#include "simulate/world.h"

namespace tocsin::simulate {

class TextFile {
 public:
  explicit TextFile(const std::filesystem::path& path) : file_(std::fopen(path.c_str(), "wb"), &std::fclose) {}
  void write(std::string_view text) {
    if (!file_ || std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size()) failed_ = true;
  }
  // Whether all of it reached the file.
  bool close() {
    if (file_ && std::fclose(file_.release()) != 0) failed_ = true;
    return !failed_;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  bool failed_ = false;
};

class Nation {
 public:
  // with_capture: also a capture of a slice, beside the sources since the flows tell of the same.
  Nation(const Scenario& scenario, World& world, Truth& truth, std::filesystem::path directory, bool with_capture);

  // Each writes one population, with the noise around it.
  void infect(const Population& population);           // botnet.cc
  void plant_backdoors(const Population& population);  // web.cc
  void attack_sites(const Population& population);     // web.cc
  void phish(const Population& population);            // reports.cc
  void break_in(const Population& population);         // reports.cc
  void exploit(const Population& population);          // reports.cc
  // Settings, register, brands, feeds. False if something could not be written.
  bool finish();

  std::uint64_t records() const { return records_; }

 private:
  // Which of the pairs of actor and target of a population the contact with this number is.
  struct Contact {
    std::size_t origin = 0;
    std::uint64_t actor = 0;   // of the origin's
    std::uint64_t target = 0;  // of the population's
  };
  // Actors and targets of origins with so many pairs each: origin k reaches the next amount targets of a circle, so
  // that all targets are reached as soon as the amounts add up to them, and some by several origins. once: an origin
  // reaches no target twice.
  class Circle {
   public:
    Circle(const Population& population, std::uint64_t targets, bool once);
    std::uint64_t size() const { return size_; }
    Contact contact(std::uint64_t number, Random& random) const;

   private:
    const Population& population_;
    std::uint64_t targets_;
    std::vector<std::uint64_t> begins_;
    std::vector<std::uint64_t> amounts_;
    std::uint64_t size_ = 0;
  };

  TextFile& file(const std::string& name);
  // "name", "name-2", …: a new one each time.
  std::string numbered(const std::string& name);
  const Site& site(const Population& population, std::uint64_t target);
  Timestamp time_of(const Period& period, std::uint64_t number, std::uint64_t size);
  const std::vector<std::uint32_t>& actors(const Population& population, const Origin& origin);

  // Flows: a sensor's file of a day.
  void write_flow(unsigned sensor, Flow flow);
  void connect(Timestamp time, std::uint32_t client, std::uint32_t server, std::uint16_t port, unsigned sensor);
  void capture(Timestamp time, std::uint32_t client, std::uint32_t server, std::uint16_t port);  // capture.cc
  void benign_flows(Timestamp time, double number);
  void scans(const Period& period);
  // Gives the time of the first call.
  Timestamp rhythm(const Period& period, std::uint32_t host, std::uint32_t server);
  struct Infection;
  void control(const Infection& infection, Timestamp time, std::uint32_t host, std::uint32_t server, bool domestic);
  void list_servers(const Infection& infection);
  void call_servers(const Infection& infection);
  void call_at_edges(const Infection& infection);
  void call_decoys(const Infection& infection);
  void list(std::uint32_t address, const Population& population, std::string_view family, Timestamp from,
            Timestamp until);

  // An alert of Suricata; host: of the HTTP request, empty for none. Some stand in the log twice.
  void alert(Timestamp time, std::uint32_t source, std::uint16_t source_port, IpAddress target,
             std::uint16_t target_port, std::string_view signature, std::string_view category, std::string_view family,
             std::string_view host);
  void dns_answer(Timestamp time, std::string_view name, std::uint32_t address);

  // One line of an access log.
  struct Request {
    Timestamp time = 0;
    std::uint32_t client = 0;
    std::string_view method = "GET", path = "/", referrer = "-", agent;
    unsigned status = 200, bytes = 0;
  };
  void log(TextFile& file, const Site& site, const Request& request);
  // Somebody reads a page of the site; a few of them are programs with good reasons.
  void visit(TextFile& file, const Site& site, Timestamp time);
  std::string_view browser();

  std::string stamp(Timestamp time) const;  // "2013-01-05T20:00:00.000000+0800"
  void damage(TextFile& file);

  const Scenario& scenario_;
  World& world_;
  Truth& truth_;
  std::filesystem::path directory_;
  Random random_;
  Timestamp offset_ = 0;  // of the zone, as sensors print it
  std::map<std::string, std::unique_ptr<TextFile>> files_;
  std::map<unsigned, std::pair<std::int64_t, std::unique_ptr<IpfixWriter>>> flows_;  // by sensor: day and its file
  std::map<std::string, unsigned> parts_;
  std::vector<std::uint32_t> popular_, clients_, strangers_;
  std::vector<std::string> brands_;
  bool with_capture_;
  std::uint64_t captured_ = 0;
  std::unique_ptr<PcapWriter> capture_;
  std::uint64_t records_ = 0;
  std::uint64_t flow_id_ = 1;
  bool failed_ = false;
};

}  // namespace tocsin::simulate

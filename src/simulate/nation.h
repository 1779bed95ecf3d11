// A nation in the making: what is planted goes through here, into the sources and into the truth.
#pragma once

#include <array>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

// A number that stands for an address in the truth: nought for none.
std::uint64_t number_of(const IpAddress& address);

class Nation {
 public:
  // with_capture: also a capture of a slice, beside the sources since the flows tell of the same.
  Nation(const Scenario& scenario, World& world, Truth& truth, std::filesystem::path directory, bool with_capture);

  // Each writes one population, with the noise around it. infect: of one family.
  void infect(const Population& population);           // botnet.cc
  void plant_backdoors(const Population& population);  // web.cc
  void attack_sites(const Population& population);     // web.cc
  void phish(const Population& population);            // phishing.cc
  void break_in(const Population& population);         // reports.cc
  void exploit(const Population& population);          // reports.cc
  // Settings, register, brands, feeds. False if something could not be written.
  bool finish();  // settings.cc

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

  // Those around whom nothing happens, of one family.
  struct Crowd {
    std::vector<IpAddress> popular, shared, clients, strangers;
  };
  // A control server's name, and the other addresses that it has.
  struct ServerName {
    std::string name;
    std::vector<IpAddress> others;
  };

  TextFile& file(const std::string& name);
  // "name", "name-2", …: a new one each time.
  std::string numbered(const std::string& name);
  const Site& site(const Population& population, std::uint64_t target);
  Timestamp time_of(const Period& period, std::uint64_t number, std::uint64_t size);
  const std::vector<IpAddress>& actors(const Population& population, const Origin& origin);
  // A deed of this actor, its target left to fill in.
  Deed deed_of(Kind kind, Timestamp time, const IpAddress& actor, bool inside) const;
  // Tells the truth what was done to a site. actor: unspecified if nobody can know it.
  void harm(Kind kind, Timestamp time, const IpAddress& actor, const Site& target, bool inside = false);

  // Flows: a sensor's file of a day.
  void write_flow(unsigned sensor, Flow flow);
  Flow connection(Timestamp time, const IpAddress& client, const IpAddress& server, std::uint16_t port);
  void connect(Timestamp time, const IpAddress& client, const IpAddress& server, std::uint16_t port, unsigned sensor);
  void capture(Timestamp time, const IpAddress& client, const IpAddress& server, std::uint16_t port);  // capture.cc
  struct Infection;
  void control(const Infection& infection, Timestamp time, const IpAddress& host, const IpAddress& server,
               bool domestic);
  void call_from_abroad(const Infection& infection, Timestamp time, const IpAddress& caller, const IpAddress& server,
                        unsigned sensor);
  struct CallFromAbroad {
    Timestamp time;
    IpAddress caller, server;
    std::uint16_t group;
  };
  void judge_calls_from_abroad();
  void list_servers(const Infection& infection);
  void call_servers(const Infection& infection);
  void call_at_edges(const Infection& infection);
  void call_decoys(const Infection& infection);
  void list(const std::string& value, const Population& population, std::string_view family, Timestamp from,
            Timestamp until);
  ServerName name_of_server(const Infection& infection, std::size_t origin, std::uint64_t actor);

  // What means nothing: noise.cc.
  Crowd crowd(Family family);
  const Crowd& any_crowd();
  const Crowd& crowd_of(const IpAddress& address) const { return crowds_[address.is_v4() ? 0 : 1]; }
  void benign_flows(Timestamp time, double number);
  void keep_alive(const Population& population);
  void scans(const Population& population);
  void scan(const IpAddress& scanner, const Crowd& crowd, Timestamp time);
  std::uint64_t browsed();
  // How busy people are at that time of their day: 1 in the mean.
  double bustle(Timestamp time) const;
  // Calls of a program that says as much each time, `interval` apart. Gives the time of the first.
  Timestamp rhythm(Timestamp begin, const IpAddress& client, const IpAddress& server, std::uint16_t port,
                   Timestamp interval, int calls);

  // An alert of Suricata; host: of the HTTP request, empty for none. Some stand in the log twice.
  void alert(Timestamp time, Endpoint source, Endpoint target, std::string_view signature, std::string_view category,
             std::string_view family, std::string_view host);
  // client: unspecified for any. The addresses are of one family.
  void dns_answer(Timestamp time, const IpAddress& client, std::string_view name,
                  const std::vector<IpAddress>& addresses);

  // One line of an access log.
  struct Request {
    Timestamp time = 0;
    IpAddress client;
    std::string_view method = "GET", path = "/", referrer = "-", agent;
    std::uint64_t status = 200, bytes = 0;
  };
  void log(TextFile& file, const Site& site, const Request& request);
  // Somebody reads a page of the site; a few of them are programs with good reasons.
  void visit(TextFile& file, const Site& site, Timestamp time);
  // As many visits as the scenario asks for, at about that time.
  void visits(TextFile& file, const Site& site, Timestamp time);
  std::string_view browser();

  std::string stamp(Timestamp time) const;  // "2013-01-05T20:00:00.000000+0800"
  void damage(TextFile& file);
  // A page that was reported.
  struct Page {
    std::string name;
    std::string_view brand;
    std::uint64_t number = 0;
    Timestamp time = 0;
  };
  void report_page(TextFile& reports, TextFile& events, const Page& page);
  void resolve(Timestamp time, const std::string& name, const IpAddress& server, const std::vector<IpAddress>& servers,
               std::size_t count);

  void write_register();  // settings.cc
  void write_brands();    // phishing.cc
  void write_settings();
  void write_relays();

  const Scenario& scenario_;
  World& world_;
  Truth& truth_;
  std::multimap<std::uint64_t, Period> listed_;  // control servers, by address
  std::vector<CallFromAbroad> from_abroad_;
  std::filesystem::path directory_;
  Random random_;
  Timestamp offset_ = 0;  // of the zone, as sensors print it
  std::map<std::string, std::unique_ptr<TextFile>> files_;
  std::map<unsigned, std::pair<std::int64_t, std::unique_ptr<IpfixWriter>>> flows_;  // by sensor: day and its file
  std::map<std::string, unsigned> parts_;
  std::array<Crowd, 2> crowds_;  // of IPv4, of IPv6
  bool with_capture_;
  std::uint64_t captured_ = 0;
  std::unique_ptr<PcapWriter> capture_;
  std::uint64_t records_ = 0;
  std::uint64_t flow_id_ = 1;
  bool failed_ = false;
};

}  // namespace tocsin::simulate

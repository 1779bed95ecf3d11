// suricata.yaml to flat options.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "base/text.h"
#include "engine/engine.h"
#include "engine/outputs.h"

namespace tocsin::engine {
namespace {

// A file is small; one that isn't, or that unfolds without end by its aliases, is refused.
constexpr std::size_t kMostOptions = 100'000;
constexpr int kMostLevels = 32;

struct Flattener {
  Options& options;
  std::size_t count = 0;

  void set(std::string name, std::string value) {
    if (++count > kMostOptions) throw YAML::Exception(YAML::Mark::null_mark(), "more than 100,000 settings");
    options.set(std::move(name), std::move(value));
  }

  static std::string joined(const std::string& prefix, const std::string& name) {
    return prefix.empty() ? name : prefix + "." + name;
  }

  void take(const std::string& prefix, const YAML::Node& node, int level) {
    if (level > kMostLevels) throw YAML::Exception(node.Mark(), "nested too deeply");
    switch (node.Type()) {
      case YAML::NodeType::Scalar:
        set(prefix, node.Scalar());
        return;
      case YAML::NodeType::Map:
        if (!prefix.empty()) set(prefix, {});
        for (const auto& entry : node) take(joined(prefix, entry.first.Scalar()), entry.second, level + 1);
        return;
      case YAML::NodeType::Sequence:
        if (!prefix.empty()) set(prefix, {});
        for (std::size_t i = 0; i < node.size(); ++i) {
          take(joined(prefix, std::to_string(i)), node[i], level + 1);
          if (node[i].IsMap() && node[i].size() == 1) take(prefix, node[i], level + 1);
        }
        return;
      case YAML::NodeType::Null:
      case YAML::NodeType::Undefined:
        set(prefix, {});
        return;
    }
  }
};

Expected<void> read_into(Options& options, const std::filesystem::path& path, int level) {
  try {
    const YAML::Node root = YAML::LoadFile(path.string());
    if (!root.IsMap()) return failure(fmt::format("{}: has no settings", printable(path.string())));
    Flattener{options}.take({}, root, 0);
    const YAML::Node include = root["include"];
    std::vector<std::string> names;
    if (include && include.IsScalar()) names.push_back(include.Scalar());
    if (include && include.IsSequence()) {
      for (const auto& name : include) names.push_back(name.Scalar());
    }
    for (const std::string& name : names) {
      if (level > 8) return failure(fmt::format("{}: includes too deeply", printable(path.string())));
      if (const auto read = read_into(options, path.parent_path() / name, level + 1); !read) return read;
    }
    return {};
  } catch (const YAML::BadFile&) {
    return failure(fmt::format("{}: can't be read", printable(path.string())));
  } catch (const YAML::Exception& error) {
    return failure(fmt::format("{}:{}:{}: {}", printable(path.string()), error.mark.line + 1, error.mark.column + 1,
                               printable(error.msg)));
  }
}

}  // namespace

Expected<Options> read_configuration(const std::filesystem::path& path) {
  Options options;
  if (const auto read = read_into(options, path, 0); !read) return std::unexpected(read.error());
  return options;
}

namespace {

std::vector<std::filesystem::path> files_of(const Options& options, const std::string& list,
                                            const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const Entry& entry : entries_of(options, list)) {
    files.push_back(std::filesystem::path(options.text(folder)) / entry.name);
  }
  return files;
}

}  // namespace

std::vector<std::filesystem::path> rule_files_of(const Options& options) {
  return files_of(options, "rule-files", "default-rule-path");
}

std::vector<std::filesystem::path> firewall_rule_files_of(const Options& options) {
  return files_of(options, "firewall.rule-files", "firewall.rule-path");
}

Options default_options() {
  Options options;
  constexpr std::pair<const char*, const char*> kValues[] = {
      {"vars.address-groups.HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"},
      {"vars.address-groups.EXTERNAL_NET", "!$HOME_NET"},
      {"vars.address-groups.HTTP_SERVERS", "$HOME_NET"},
      {"vars.address-groups.SMTP_SERVERS", "$HOME_NET"},
      {"vars.address-groups.SQL_SERVERS", "$HOME_NET"},
      {"vars.address-groups.DNS_SERVERS", "$HOME_NET"},
      {"vars.address-groups.TELNET_SERVERS", "$HOME_NET"},
      {"vars.address-groups.AIM_SERVERS", "$EXTERNAL_NET"},
      {"vars.address-groups.DC_SERVERS", "$HOME_NET"},
      {"vars.address-groups.DNP3_SERVER", "$HOME_NET"},
      {"vars.address-groups.DNP3_CLIENT", "$HOME_NET"},
      {"vars.address-groups.MODBUS_CLIENT", "$HOME_NET"},
      {"vars.address-groups.MODBUS_SERVER", "$HOME_NET"},
      {"vars.address-groups.ENIP_CLIENT", "$HOME_NET"},
      {"vars.address-groups.ENIP_SERVER", "$HOME_NET"},
      {"vars.port-groups.HTTP_PORTS", "80"},
      {"vars.port-groups.SHELLCODE_PORTS", "!80"},
      {"vars.port-groups.ORACLE_PORTS", "1521"},
      {"vars.port-groups.SSH_PORTS", "22"},
      {"vars.port-groups.DNP3_PORTS", "20000"},
      {"vars.port-groups.MODBUS_PORTS", "502"},
      {"vars.port-groups.FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"},
      {"vars.port-groups.FTP_PORTS", "21"},
      {"vars.port-groups.GENEVE_PORTS", "6081"},
      {"vars.port-groups.VXLAN_PORTS", "4789"},
      {"vars.port-groups.TEREDO_PORTS", "3544"},
      {"vars.port-groups.SIP_PORTS", "[5060, 5061]"},
      {"stats.enabled", "yes"},
      {"outputs.0.fast.enabled", "yes"},
      {"outputs.0.fast.filename", "fast.log"},
      {"outputs.1.eve-log.enabled", "yes"},
      {"outputs.1.eve-log.filename", "eve.json"},
      {"outputs.1.eve-log.types.0.alert.tagged-packets", "yes"},
      {"outputs.1.eve-log.types.1.anomaly.enabled", "yes"},
      {"outputs.1.eve-log.types.2.http.extended", "yes"},
      {"outputs.1.eve-log.types.3.dns", ""},
      {"outputs.1.eve-log.types.4.mdns", ""},
      {"outputs.1.eve-log.types.5.tls.extended", "yes"},
      {"outputs.1.eve-log.types.6.files.force-magic", "no"},
      {"outputs.1.eve-log.types.7.smtp", ""},
      {"outputs.1.eve-log.types.8", "websocket"},
      {"outputs.1.eve-log.types.9", "ftp"},
      {"outputs.1.eve-log.types.10", "rdp"},
      {"outputs.1.eve-log.types.11", "nfs"},
      {"outputs.1.eve-log.types.12", "smb"},
      {"outputs.1.eve-log.types.13", "tftp"},
      {"outputs.1.eve-log.types.14", "ike"},
      {"outputs.1.eve-log.types.15", "dcerpc"},
      {"outputs.1.eve-log.types.16", "krb5"},
      {"outputs.1.eve-log.types.17", "bittorrent-dht"},
      {"outputs.1.eve-log.types.18", "snmp"},
      {"outputs.1.eve-log.types.19", "rfb"},
      {"outputs.1.eve-log.types.20", "sip"},
      {"outputs.1.eve-log.types.21", "quic"},
      {"outputs.1.eve-log.types.22", "ldap"},
      {"outputs.1.eve-log.types.23", "pop3"},
      {"outputs.1.eve-log.types.24.arp.enabled", "no"},
      {"outputs.1.eve-log.types.25.dhcp.enabled", "yes"},
      {"outputs.1.eve-log.types.26", "ssh"},
      {"outputs.1.eve-log.types.27", "mqtt"},
      {"outputs.1.eve-log.types.28", "http2"},
      {"outputs.1.eve-log.types.29", "doh2"},
      {"outputs.1.eve-log.types.30.pgsql.enabled", "no"},
      {"outputs.1.eve-log.types.31.stats.totals", "yes"},
      {"outputs.1.eve-log.types.32", "flow"},
      // Ours; Suricata recognises both, and logs neither.
      {"outputs.1.eve-log.types.33", "telnet"},
      {"outputs.1.eve-log.types.34", "irc"},
      {"outputs.2.stats.enabled", "yes"},
      {"outputs.2.stats.filename", "stats.log"},
      {"logging.outputs.0.console.enabled", "yes"},
      {"logging.outputs.1.file.enabled", "yes"},
      {"logging.outputs.1.file.filename", "suricata.log"},
  };
  for (const auto& [name, value] : kValues) options.set(name, value);
  return options;
}

}  // namespace tocsin::engine

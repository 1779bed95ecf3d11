#include "protocol/ldap_message.h"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/eve_object.h"

namespace tocsin::protocol::ldap {
namespace {

constexpr std::size_t kMostAttributes = 256, kMostValues = 64, kMostLogged = 4096;

struct Operation {
  std::uint8_t number;
  std::string_view name;
};
constexpr Operation kOperations[] = {
    {0, "bind_request"},      {1, "bind_response"},       {2, "unbind_request"},
    {3, "search_request"},    {4, "search_result_entry"}, {5, "search_result_done"},
    {6, "modify_request"},    {7, "modify_response"},     {8, "add_request"},
    {9, "add_response"},      {10, "del_request"},        {11, "del_response"},
    {12, "mod_dn_request"},   {13, "mod_dn_response"},    {14, "compare_request"},
    {15, "compare_response"}, {16, "abandon_request"},    {19, "search_result_reference"},
    {23, "extended_request"}, {24, "extended_response"},  {25, "intermediate_response"}};
struct Result {
  std::uint64_t number;
  std::string_view name;
};
constexpr Result kResults[] = {{0, "success"},
                               {1, "operations_error"},
                               {2, "protocol_error"},
                               {3, "time_limit_exceeded"},
                               {4, "size_limit_exceeded"},
                               {5, "compare_false"},
                               {6, "compare_true"},
                               {7, "auth_method_not_supported"},
                               {8, "stronger_auth_required"},
                               {10, "referral"},
                               {11, "admin_limit_exceeded"},
                               {12, "unavailable_critical_extension"},
                               {13, "confidentiality_required"},
                               {14, "sasl_bind_in_progress"},
                               {16, "no_such_attribute"},
                               {17, "undefined_attribute_type"},
                               {18, "inappropriate_matching"},
                               {19, "constraint_violation"},
                               {20, "attribute_or_value_exists"},
                               {21, "invalid_attribute_syntax"},
                               {32, "no_such_object"},
                               {33, "alias_problem"},
                               {34, "invalid_dns_syntax"},
                               {35, "is_leaf"},
                               {36, "alias_dereferencing_problem"},
                               {48, "inappropriate_authentication"},
                               {49, "invalid_credentials"},
                               {50, "insufficient_access_rights"},
                               {51, "busy"},
                               {52, "unavailable"},
                               {53, "unwilling_to_perform"},
                               {54, "loop_detect"},
                               {60, "sort_control_missing"},
                               {61, "offset_range_error"},
                               {64, "naming_violation"},
                               {65, "object_class_violation"},
                               {66, "not_allowed_on_non_leaf"},
                               {67, "not_allowed_on_rdn"},
                               {68, "entry_already_exists"},
                               {69, "object_class_mods_prohibited"},
                               {70, "results_too_large"},
                               {71, "affects_multiple_dsas"},
                               {76, "control_error"},
                               {80, "other"},
                               {81, "server_down"},
                               {82, "local_error"},
                               {83, "encoding_error"},
                               {84, "decoding_error"},
                               {85, "timeout"},
                               {86, "auth_unknown"},
                               {87, "filter_error"},
                               {88, "user_canceled"},
                               {89, "param_error"},
                               {90, "no_memory"},
                               {91, "connect_error"},
                               {92, "not_supported"},
                               {93, "control_not_found"},
                               {94, "no_results_returned"},
                               {95, "more_results_to_return"},
                               {96, "client_loop"},
                               {97, "referral_limit_exceeded"},
                               {100, "invalid_response"},
                               {101, "ambiguous_response"},
                               {112, "tls_not_supported"},
                               {113, "intermediate_response"},
                               {114, "unknown_type"},
                               {118, "canceled"},
                               {119, "no_such_operation"},
                               {120, "too_late"},
                               {121, "cannot_cancel"},
                               {122, "assertion_failed"},
                               {123, "authorization_denied"},
                               {4096, "e_sync_refresh_required"},
                               {16654, "no_operation"}};

std::optional<std::uint64_t> number(Reader& reader, std::uint8_t tag) {
  const auto bytes = ber::next(reader, tag);
  const auto value = bytes ? ber::number_of(*bytes) : std::nullopt;
  return value && *value >= 0 ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
}

bool text(Reader& reader, std::string& into, std::uint8_t tag = ber::kOctets) {
  const auto bytes = ber::next(reader, tag);
  if (bytes) into = text_of(*bytes);
  return bytes.has_value();
}

void read_values(Bytes set, std::vector<std::string>& values) {
  Reader reader(set);
  for (std::string one; values.size() < kMostValues && !reader.empty() && text(reader, one);) values.push_back(one);
}

// A list of attributes with their values.
bool read_attributes(Reader& reader, Message& message) {
  const auto list = ber::next(reader, ber::kSequence);
  if (!list) return false;
  Reader all(*list);
  while (!all.empty() && message.attributes.size() < kMostAttributes) {
    const auto pair = ber::next(all, ber::kSequence);
    if (!pair) return false;
    Reader inside(*pair);
    Attribute one;
    if (!text(inside, one.type)) return false;
    if (const auto set = ber::next(inside, ber::kSet)) read_values(*set, one.values);
    message.attributes.push_back(std::move(one));
  }
  return true;
}

bool read_changes(Reader& reader, Message& message) {
  const auto list = ber::next(reader, ber::kSequence);
  if (!list) return false;
  Reader all(*list);
  while (!all.empty() && message.attributes.size() < kMostAttributes) {
    const auto change = ber::next(all, ber::kSequence);
    if (!change) return false;
    Reader inside(*change);
    const auto what = number(inside, ber::kEnumerated);
    const auto pair = ber::next(inside, ber::kSequence);
    if (!what || !pair) return false;
    Reader parts(*pair);
    Attribute one;
    one.change = static_cast<std::uint8_t>(*what);
    if (!text(parts, one.type)) return false;
    if (const auto set = ber::next(parts, ber::kSet)) read_values(*set, one.values);
    message.attributes.push_back(std::move(one));
  }
  return true;
}

bool read_search(Reader& reader, Message& message) {
  if (!text(reader, message.name)) return false;
  const auto scope = number(reader, ber::kEnumerated), aliases = number(reader, ber::kEnumerated);
  const auto size = number(reader, ber::kInteger), time = number(reader, ber::kInteger);
  const auto types = ber::next(reader, ber::kBoolean);
  ber::Element filter;
  if (!scope || !aliases || !size || !time || !types || !ber::next(reader, filter)) return false;
  message.scope = *scope;
  message.aliases = *aliases;
  message.size_limit = *size;
  message.time_limit = *time;
  message.types_only = !types->empty() && (*types)[0] != 0;
  if (const auto list = ber::next(reader, ber::kSequence)) {
    Reader names(*list);
    for (std::string one; message.attributes.size() < kMostAttributes && !names.empty() && text(names, one);)
      message.attributes.push_back({one, {}, 0});
  }
  return true;
}

bool read_result(Reader& reader, Message& message) {
  message.result = number(reader, ber::kEnumerated);
  return message.result && text(reader, message.name) && text(reader, message.text);
}

// What may follow in a message, by its tag.
void read_rest(Reader& reader, std::uint8_t name_tag, std::uint8_t value_tag, Message& message) {
  for (ber::Element one; !reader.empty() && ber::next(reader, one);) {
    if (one.tag == name_tag) message.extended = text_of(one.bytes);
    if (one.tag == value_tag) {
      message.value = text_of(one.bytes);
      message.has_value = true;
    }
  }
}

bool read_body(Bytes body, Message& message) {
  Reader reader(body);
  switch (message.operation) {
    case kBind: {
      const auto version = number(reader, ber::kInteger);
      ber::Element how;
      if (!version || !text(reader, message.name) || !ber::next(reader, how)) return false;
      message.version = *version;
      message.is_sasl = how.tag == ber::around(3);
      if (!message.is_sasl) return true;
      Reader sasl(how.bytes);
      if (!text(sasl, message.extended)) return false;
      message.has_value = !sasl.empty() && text(sasl, message.value);
      return true;
    }
    case kUnbind:
      return true;
    case kSearch:
      return read_search(reader, message);
    case kSearchEntry:
    case kAdd:
      return text(reader, message.name) && read_attributes(reader, message);
    case kModify:
      return text(reader, message.name) && read_changes(reader, message);
    case kDelete:
      message.name = text_of(body);
      return true;
    case kRename: {
      if (!text(reader, message.name) || !text(reader, message.new_name)) return false;
      const auto deletes = ber::next(reader, ber::kBoolean);
      message.deletes_old = deletes && !deletes->empty() && (*deletes)[0] != 0;
      message.has_parent = !reader.empty() && text(reader, message.new_parent, ber::plain(0));
      return deletes.has_value();
    }
    case kCompare: {
      const bool is_right = text(reader, message.name);
      const auto pair = ber::next(reader, ber::kSequence);
      if (!is_right || !pair) return false;
      Reader inside(*pair);
      Attribute one;
      one.values.resize(1);
      if (!text(inside, one.type) || !text(inside, one.values[0])) return false;
      message.attributes.push_back(std::move(one));
      return true;
    }
    case kAbandon: {
      const auto value = ber::number_of(body);
      message.abandoned = value ? static_cast<std::uint64_t>(*value) : 0;
      return value.has_value();
    }
    case kSearchReference:
      read_values(body, message.referrals);
      return true;
    case kExtended:
      read_rest(reader, ber::plain(0), ber::plain(1), message);
      return true;
    case kIntermediate:
      read_rest(reader, ber::plain(0), ber::plain(1), message);
      return true;
    case kExtendedResponse:
      if (!read_result(reader, message)) return false;
      read_rest(reader, ber::plain(10), ber::plain(11), message);
      return true;
    case kBindResponse:
      if (!read_result(reader, message)) return false;
      read_rest(reader, 0, ber::plain(7), message);
      return true;
    default:
      return read_result(reader, message);
  }
}

void list(EveObject& out, const char* name, const std::vector<std::string>& values) {
  out.open_list(name);
  for (const std::string& value : values) out.item(std::string_view(value).substr(0, kMostLogged));
  out.close_list();
}

void write_attributes(EveObject& out, const std::vector<Attribute>& all, const char* type, const char* values) {
  if (all.empty()) return;
  out.open_list("attributes");
  for (const Attribute& one : all) {
    out.open_item();
    out.text(type, one.type);
    if (!one.values.empty()) list(out, values, one.values);
    out.close();
  }
  out.close_list();
}

void write_request(EveObject& out, const Message& message) {
  switch (message.operation) {
    case kBind:
      out.number("version", message.version);
      out.text("name", message.name);
      if (!message.is_sasl) return;
      out.open("sasl");
      out.text("mechanism", message.extended);
      if (message.has_value) out.hex("credentials", bytes_of(std::string_view(message.value).substr(0, kMostLogged)));
      out.close();
      return;
    case kSearch:
      out.text("base_object", message.name);
      out.number("scope", message.scope);
      out.number("deref_alias", message.aliases);
      out.number("size_limit", message.size_limit);
      out.number("time_limit", message.time_limit);
      out.flag("types_only", message.types_only);
      if (message.attributes.empty()) return;
      out.open_list("attributes");
      for (const Attribute& one : message.attributes) out.item(one.type);
      out.close_list();
      return;
    case kModify: {
      constexpr std::string_view kChanges[] = {"add", "delete", "replace", "increment"};
      out.text("object", message.name);
      out.open_list("changes");
      for (const Attribute& one : message.attributes) {
        out.open_item();
        out.text("operation", one.change < std::size(kChanges) ? kChanges[one.change] : std::string_view("unknown"));
        out.open("modification");
        out.text("attribute_type", one.type);
        if (!one.values.empty()) list(out, "attribute_values", one.values);
        out.close();
        out.close();
      }
      out.close_list();
      return;
    }
    case kAdd:
      out.text("entry", message.name);
      write_attributes(out, message.attributes, "name", "values");
      return;
    case kDelete:
      out.text("dn", message.name);
      return;
    case kRename:
      out.text("entry", message.name);
      out.text("new_rdn", message.new_name);
      out.flag("delete_old_rdn", message.deletes_old);
      if (message.has_parent) out.text("new_superior", message.new_parent);
      return;
    case kCompare:
      out.text("entry", message.name);
      out.open("attribute_value_assertion");
      out.text("description", message.attributes[0].type);
      out.text("value", message.attributes[0].values[0]);
      out.close();
      return;
    case kAbandon:
      out.number("message_id", message.abandoned);
      return;
    default:
      out.text("name", message.extended);
      if (message.has_value) out.text("value", std::string_view(message.value).substr(0, kMostLogged));
  }
}

void write_response(EveObject& out, const Message& message) {
  if (message.operation == kSearchEntry) {
    out.text("base_object", message.name);
    write_attributes(out, message.attributes, "type", "values");
    return;
  }
  if (message.result) {
    const auto known = std::ranges::find(kResults, *message.result, &Result::number);
    out.text("result_code",
             known == std::end(kResults) ? fmt::format("unknown-{}", *message.result) : std::string(known->name));
    out.text("matched_dn", message.name);
    out.text("message", message.text);
  }
  if (message.operation == kBindResponse) {
    if (message.has_value)
      out.hex("server_sasl_creds", bytes_of(std::string_view(message.value).substr(0, kMostLogged)));
    return;
  }
  if (!message.extended.empty()) out.text("name", message.extended);
  if (message.has_value) out.text("value", std::string_view(message.value).substr(0, kMostLogged));
}

}  // namespace

std::optional<Message> read_message(Bytes bytes) {
  Reader outer(bytes);
  const auto sequence = ber::next(outer, ber::kSequence);
  if (!sequence) return std::nullopt;
  Reader reader(*sequence);
  const auto id = number(reader, ber::kInteger);
  ber::Element body;
  if (!id || !ber::next(reader, body) || (body.tag & 0xc0) != 0x40) return std::nullopt;
  Message message;
  message.id = *id;
  message.operation = body.tag & 0x1f;
  const bool is_known = std::ranges::find(kOperations, message.operation, &Operation::number) != std::end(kOperations);
  if (!is_known || !read_body(body.bytes, message)) return std::nullopt;
  return message;
}

bool is_request(std::uint8_t operation) {
  constexpr std::uint8_t kRequests[] = {kBind,   kUnbind, kSearch,  kModify,  kAdd,
                                        kDelete, kRename, kCompare, kAbandon, kExtended};
  return std::ranges::find(kRequests, operation) != std::end(kRequests);
}

bool is_final(std::uint8_t operation) {
  return operation != kSearchEntry && operation != kSearchReference && operation != kIntermediate;
}

std::optional<std::uint64_t> operation_of(std::string_view name) {
  const auto found = std::ranges::find(kOperations, name, &Operation::name);
  return found == std::end(kOperations) ? std::nullopt : std::optional<std::uint64_t>(found->number);
}

std::optional<std::uint64_t> result_of(std::string_view name) {
  const auto found = std::ranges::find(kResults, name, &Result::name);
  return found == std::end(kResults) ? std::nullopt : std::optional(found->number);
}

void write(EveObject& out, const Message& message) {
  const auto known = std::ranges::find(kOperations, message.operation, &Operation::number);
  out.text("operation", known->name);
  out.number("message_id", message.id);
  if (message.operation == kUnbind || message.operation == kSearchReference) return;
  out.open(known->name);
  is_request(message.operation) ? write_request(out, message) : write_response(out, message);
  out.close();
}

}  // namespace tocsin::protocol::ldap

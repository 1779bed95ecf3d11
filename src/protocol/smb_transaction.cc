#include "protocol/smb_transaction.h"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/eve_object.h"
#include "protocol/values.h"

namespace tocsin::protocol::smb {
namespace {

enum Field : int { kShare, kNamedPipe, kUser, kDomain, kVersion };
constexpr std::pair<std::string_view, int> kFields[] = {{"smb.share", kShare},
                                                        {"smb.named_pipe", kNamedPipe},
                                                        {"smb.ntlmssp_user", kUser},
                                                        {"smb.ntlmssp_domain", kDomain},
                                                        {"smb.version", kVersion}};

constexpr std::string_view kCommands2[] = {"NEGOTIATE_PROTOCOL",
                                           "SESSION_SETUP",
                                           "SESSION_LOGOFF",
                                           "TREE_CONNECT",
                                           "TREE_DISCONNECT",
                                           "CREATE",
                                           "CLOSE",
                                           "FLUSH",
                                           "READ",
                                           "WRITE",
                                           "LOCK",
                                           "IOCTL",
                                           "CANCEL",
                                           "KEEPALIVE",
                                           "FIND",
                                           "CHANGE_NOTIFY",
                                           "QUERY_INFO",
                                           "SET_INFO",
                                           "OPLOCK_BREAK"};
constexpr std::pair<std::uint16_t, std::string_view> kCommands1[] = {{0x00, "CREATE_DIRECTORY"},
                                                                     {0x01, "DELETE_DIRECTORY"},
                                                                     {0x02, "OPEN"},
                                                                     {0x03, "CREATE"},
                                                                     {0x04, "CLOSE"},
                                                                     {0x05, "FLUSH"},
                                                                     {0x06, "DELETE"},
                                                                     {0x07, "RENAME"},
                                                                     {0x08, "QUERY_INFORMATION"},
                                                                     {0x09, "SET_INFORMATION"},
                                                                     {0x0a, "READ"},
                                                                     {0x0b, "WRITE"},
                                                                     {0x10, "CHECK_DIRECTORY"},
                                                                     {0x23, "QUERY_INFORMATION2"},
                                                                     {0x24, "LOCKING_ANDX"},
                                                                     {0x25, "TRANS"},
                                                                     {0x2b, "ECHO"},
                                                                     {0x2d, "OPEN_ANDX"},
                                                                     {0x2e, "READ_ANDX"},
                                                                     {0x2f, "WRITE_ANDX"},
                                                                     {0x32, "TRANS2"},
                                                                     {0x34, "FIND_CLOSE2"},
                                                                     {0x71, "TREE_DISCONNECT"},
                                                                     {0x72, "NEGOTIATE_PROTOCOL"},
                                                                     {0x73, "SESSION_SETUP_ANDX"},
                                                                     {0x74, "LOGOFF_ANDX"},
                                                                     {0x75, "TREE_CONNECT_ANDX"},
                                                                     {0x80, "QUERY_INFO_DISK"},
                                                                     {0xa0, "NT_TRANS"},
                                                                     {0xa2, "NT_CREATE_ANDX"},
                                                                     {0xa4, "NT_CANCEL"}};
constexpr std::pair<std::uint32_t, std::string_view> kStatus[] = {{0x00000000, "STATUS_SUCCESS"},
                                                                  {0x00000103, "STATUS_PENDING"},
                                                                  {0x0000010b, "STATUS_NOTIFY_CLEANUP"},
                                                                  {0x0000010c, "STATUS_NOTIFY_ENUM_DIR"},
                                                                  {0x80000005, "STATUS_BUFFER_OVERFLOW"},
                                                                  {0x80000006, "STATUS_NO_MORE_FILES"},
                                                                  {0xc0000001, "STATUS_UNSUCCESSFUL"},
                                                                  {0xc0000002, "STATUS_NOT_IMPLEMENTED"},
                                                                  {0xc0000003, "STATUS_INVALID_INFO_CLASS"},
                                                                  {0xc0000008, "STATUS_INVALID_HANDLE"},
                                                                  {0xc000000d, "STATUS_INVALID_PARAMETER"},
                                                                  {0xc000000f, "STATUS_NO_SUCH_FILE"},
                                                                  {0xc0000010, "STATUS_INVALID_DEVICE_REQUEST"},
                                                                  {0xc0000011, "STATUS_END_OF_FILE"},
                                                                  {0xc0000016, "STATUS_MORE_PROCESSING_REQUIRED"},
                                                                  {0xc0000022, "STATUS_ACCESS_DENIED"},
                                                                  {0xc0000023, "STATUS_BUFFER_TOO_SMALL"},
                                                                  {0xc0000033, "STATUS_OBJECT_NAME_INVALID"},
                                                                  {0xc0000034, "STATUS_OBJECT_NAME_NOT_FOUND"},
                                                                  {0xc0000035, "STATUS_OBJECT_NAME_COLLISION"},
                                                                  {0xc000003a, "STATUS_OBJECT_PATH_NOT_FOUND"},
                                                                  {0xc0000043, "STATUS_SHARING_VIOLATION"},
                                                                  {0xc0000056, "STATUS_DELETE_PENDING"},
                                                                  {0xc0000064, "STATUS_NO_SUCH_USER"},
                                                                  {0xc000006a, "STATUS_WRONG_PASSWORD"},
                                                                  {0xc000006d, "STATUS_LOGON_FAILURE"},
                                                                  {0xc000006e, "STATUS_ACCOUNT_RESTRICTION"},
                                                                  {0xc0000072, "STATUS_ACCOUNT_DISABLED"},
                                                                  {0xc000009a, "STATUS_INSUFFICIENT_RESOURCES"},
                                                                  {0xc00000ba, "STATUS_FILE_IS_A_DIRECTORY"},
                                                                  {0xc00000bb, "STATUS_NOT_SUPPORTED"},
                                                                  {0xc00000c9, "STATUS_NETWORK_NAME_DELETED"},
                                                                  {0xc00000cc, "STATUS_BAD_NETWORK_NAME"},
                                                                  {0xc0000101, "STATUS_DIRECTORY_NOT_EMPTY"},
                                                                  {0xc0000103, "STATUS_NOT_A_DIRECTORY"},
                                                                  {0xc0000120, "STATUS_CANCELLED"},
                                                                  {0xc0000128, "STATUS_FILE_CLOSED"},
                                                                  {0xc000019c, "STATUS_FS_DRIVER_REQUIRED"},
                                                                  {0xc0000203, "STATUS_USER_SESSION_DELETED"},
                                                                  {0xc0000225, "STATUS_NOT_FOUND"},
                                                                  {0xc0000257, "STATUS_PATH_NOT_COVERED"},
                                                                  {0xc000035c, "STATUS_NETWORK_SESSION_EXPIRED"}};

}  // namespace

int field_number(std::string_view keyword) {
  const int own = number_in(kFields, keyword);
  return own >= 0 ? own : dcerpc::field_number(keyword);
}

std::string command_name(int version, std::uint16_t command) {
  if (version == 2) {
    return command < std::size(kCommands2) ? fmt::format("SMB2_COMMAND_{}", kCommands2[command])
                                           : std::to_string(command);
  }
  for (const auto& [number, name] : kCommands1) {
    if (number == command) return fmt::format("SMB1_COMMAND_{}", name);
  }
  return std::to_string(command);
}

std::string narrow(Bytes utf16) {
  std::string text;
  for (const std::uint8_t byte : utf16) {
    if (byte != 0) text += static_cast<char>(byte);
  }
  return text;
}

std::string guid_text(Bytes guid) {
  if (guid.size() == 2) return fmt::format("{:02x}{:02x}", guid[1], guid[0]);
  if (guid.size() != 16) return {};
  const auto byte = [&](std::size_t i) { return guid[i]; };
  std::string text = fmt::format("{:02x}{:02x}{:02x}{:02x}-{:02x}{:02x}-{:02x}{:02x}-", byte(3), byte(2), byte(1),
                                 byte(0), byte(5), byte(4), byte(7), byte(6));
  text += fmt::format("{:02x}{:02x}-{:02x}{:02x}{:02x}{:02x}{:02x}{:02x}", byte(9), byte(8), byte(11), byte(10),
                      byte(15), byte(14), byte(13), byte(12));
  return text;
}

std::optional<Ntlm> read_ntlm(Bytes blob) {
  const std::string_view text = text_of(blob);
  const std::size_t at = text.find(std::string_view("NTLMSSP\0", 8));
  if (at == std::string_view::npos) return std::nullopt;
  const Bytes message = blob.subspan(at);
  Reader reader(message);
  reader.skip(8);
  if (reader.le32() != 3) return std::nullopt;
  Bytes parts[6];
  for (Bytes& part : parts) {
    const std::uint16_t length = reader.le16();
    reader.skip(2);
    const std::uint32_t offset = reader.le32();
    if (!reader.ok()) return std::nullopt;
    if (offset <= message.size() && length <= message.size() - offset) part = message.subspan(offset, length);
  }
  const std::uint32_t flags = reader.le32();
  Ntlm ntlm{narrow(parts[2]), narrow(parts[3]), narrow(parts[4]), {}};
  if ((flags & 0x0200'0000) != 0) {
    const std::uint8_t major = reader.u8(), minor = reader.u8();
    const std::uint16_t build = reader.le16();
    reader.skip(3);
    const std::uint8_t revision = reader.u8();
    if (reader.ok()) ntlm.version = fmt::format("{}.{} build {} rev {}", major, minor, build, revision);
  }
  return ntlm;
}

Value SmbTransaction::value(int field, Side side, std::size_t index) const {
  if (index > 0) return absent_value();
  switch (field) {
    case kShare:
      return side == Side::kToServer && !is_pipe ? text_value(share) : absent_value();
    case kNamedPipe:
      return side == Side::kToServer && is_pipe ? text_value(share) : absent_value();
    case kUser:
      return ntlm && side == Side::kToServer ? whole_value(ntlm->user) : absent_value();
    case kDomain:
      return ntlm && side == Side::kToServer ? whole_value(ntlm->domain) : absent_value();
    case kVersion:
      return whole_value(smb_version_ == 1 ? "1" : "2");
    default:
      break;
  }
  if (!rpc) return absent_value();
  if (field == dcerpc::kStub) {
    const std::string& own = rpc->stub[static_cast<int>(side)];
    if (own.empty()) return is_complete(side) ? absent_value() : Value{};
    Value value = whole_value(own);
    if (!is_complete(side)) value.presence = Presence::kGrowing;
    return value;
  }
  if (!rpc->has_request || rpc->request != dcerpc::kRequest) return absent_value();
  if (field == dcerpc::kOperation) return whole_number(rpc->operation);
  for (const dcerpc::Interface& one : session_->interfaces) {
    if (one.context == rpc->context) return whole_value(one.uuid);
  }
  return absent_value();
}

std::optional<bool> SmbTransaction::holds(int field, Side, std::span<const std::string> words) const {
  if (field != dcerpc::kInterface) return std::nullopt;
  if (!rpc || !rpc->has_request || rpc->request != dcerpc::kRequest) return false;
  return dcerpc::holds_interface(session_->interfaces, rpc->context, words);
}

namespace {

void rpc_object(EveObject& out, const RpcCall& rpc, const dcerpc::Interfaces& interfaces) {
  out.open("dcerpc");
  out.text("request", rpc.has_request ? dcerpc::type_name(rpc.request) : "REQUEST_LOST");
  out.text("response", rpc.has_response ? dcerpc::type_name(rpc.response) : "UNREPLIED");
  if (rpc.has_request && rpc.request == dcerpc::kRequest) {
    out.number("opnum", rpc.operation);
    out.open("req");
    out.number("frag_cnt", rpc.fragments[0]);
    out.number("stub_data_size", rpc.stub[0].size());
    out.close();
  }
  std::string list;
  for (const dcerpc::Interface& one : interfaces) {
    const bool is_own = rpc.request == dcerpc::kRequest ? one.context == rpc.context : one.call == rpc.call;
    if (rpc.has_request && is_own) list += (list.empty() ? "" : ",") + dcerpc::interface_object(one);
  }
  if (!list.empty()) out.raw("interfaces", "[" + list + "]");
  if (rpc.has_response && rpc.response == dcerpc::kResponse) {
    out.open("res");
    out.number("frag_cnt", rpc.fragments[1]);
    out.number("stub_data_size", rpc.stub[1].size());
    out.close();
  }
  out.number("call_id", rpc.call);
  out.close();
}

}  // namespace

std::string SmbTransaction::eve() const {
  EveObject out;
  out.open("smb");
  out.number("id", id + 1);
  out.text("dialect", session_->dialect);
  out.text("command", command_name(smb_version_, command));
  if (status) {
    const auto known = std::ranges::find(kStatus, *status, &std::pair<std::uint32_t, std::string_view>::first);
    out.text("status", known == std::end(kStatus) ? std::to_string(*status) : std::string(known->second));
    out.text("status_code", fmt::format("0x{:x}", *status));
  }
  out.number("session_id", session_id);
  out.number("tree_id", tree);
  if (ntlm) {
    out.open("ntlmssp");
    out.text("domain", ntlm->domain);
    out.text("user", ntlm->user);
    out.text("host", ntlm->host);
    if (!ntlm->version.empty()) out.text("version", ntlm->version);
    out.close();
  }
  if (!client_guid.empty() || !server_guid.empty() || !dialects.empty()) {
    out.open_list("client_dialects");
    for (const std::string& one : dialects) out.item(one);
    out.close_list();
    if (!client_guid.empty()) out.text("client_guid", client_guid);
    out.text("server_guid", server_guid);
    if (session_->max_read != 0) out.number("max_read_size", session_->max_read);
    if (session_->max_write != 0) out.number("max_write_size", session_->max_write);
  }
  if (is_create) {
    constexpr std::string_view kDispositions[] = {"FILE_SUPERSEDE", "FILE_OPEN",      "FILE_CREATE",
                                                  "FILE_OPEN_IF",   "FILE_OVERWRITE", "FILE_OVERWRITE_IF"};
    const std::string name = file_name.value_or("");
    if (name.empty()) {
      out.text("filename", "<share_root>");
    } else {
      out.text(is_directory ? "directory" : "filename", name);
    }
    out.text("disposition", disposition < std::size(kDispositions) ? kDispositions[disposition] : "UNKNOWN");
    out.text("access", is_deleted_on_close ? "delete on close" : "normal");
    out.number("created", created);
    out.number("accessed", accessed);
    out.number("modified", modified);
    out.number("changed", changed_at);
    out.number("size", size);
    out.text("fuid", file_id);
  } else if (file_name) {
    out.text("filename", *file_name);
    out.text("share", share);
    out.text("fuid", file_id);
  } else if (!share.empty()) {
    out.text(is_pipe ? "named_pipe" : "share", share);
    if (smb_version_ == 1) {
      out.open("service");
      if (!service_asked.empty()) out.text("request", service_asked);
      if (!service.empty()) out.text("response", service);
      out.close();
    } else {
      constexpr std::string_view kTypes[] = {"UNKNOWN", "FILE", "PIPE", "PRINT"};
      out.text("share_type", share_type < std::size(kTypes) ? kTypes[share_type] : "UNKNOWN");
    }
  }
  if (renamed) {
    if (smb_version_ == 2) {
      out.open("set_info");
      out.text("class", "FILE_INFO");
      out.text("info_level", "SMB2_FILE_RENAME_INFO");
      out.close();
    }
    out.open("rename");
    out.text("from", renamed->first);
    out.text("to", renamed->second);
    out.close();
    out.text("fuid", file_id);
  }
  if (!function.empty()) out.text("function", function);
  if (rpc) rpc_object(out, *rpc, session_->interfaces);
  out.close();
  return out.take();
}

}  // namespace tocsin::protocol::smb

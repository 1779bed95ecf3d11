// What SMB's rules and logs see: a command with its answer, a file, or a call over a pipe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/dcerpc.h"
#include "protocol/file.h"
#include "protocol/transaction.h"

namespace tocsin::protocol::smb {

// Of the whole flow, as it is when a transaction is logged.
struct Session {
  std::string dialect = "unknown";
  std::uint32_t max_read = 0, max_write = 0;
  dcerpc::Interfaces interfaces;
};

struct Ntlm {
  std::string domain, user, host, version;
};

struct RpcCall {
  std::uint32_t call = 0;
  std::uint8_t request = dcerpc::kRequest, response = dcerpc::kResponse, minor = 0;
  std::uint16_t context = 0, operation = 0;
  std::uint64_t fragments[2] = {0, 0};
  std::string stub[2];
  bool has_request = false, has_response = false;
};

class SmbTransaction final : public Transaction {
 public:
  SmbTransaction(std::shared_ptr<const Session> session, int smb_version)
      : session_(std::move(session)), smb_version_(smb_version) {}

  Value value(int field, Side side, std::size_t index) const override;
  std::optional<bool> holds(int field, Side side, std::span<const std::string> words) const override;
  std::string eve() const override;

  void finish(Side side) {
    progress[static_cast<int>(side)] = kComplete;
    changed();
  }
  int smb_version() const { return smb_version_; }

  std::uint16_t command = 0;
  std::uint64_t message = 0, session_id = 0;
  std::uint32_t tree = 0;
  std::optional<std::uint32_t> status;
  std::optional<Ntlm> ntlm;
  // Of a tree.
  std::string share, service_asked, service;
  std::uint8_t share_type = 0;
  bool is_pipe = false;
  // Of a file that is opened or carried.
  std::optional<std::string> file_name;
  std::string file_id;
  bool is_create = false, is_directory = false, is_deleted_on_close = false;
  std::uint32_t disposition = 0;
  std::uint64_t created = 0, accessed = 0, modified = 0, changed_at = 0, size = 0;
  std::optional<std::pair<std::string, std::string>> renamed;
  // Of a negotiation.
  std::vector<std::string> dialects;
  std::string client_guid, server_guid;
  std::unique_ptr<RpcCall> rpc;
  std::string function;  // of an ioctl

 private:
  std::shared_ptr<const Session> session_;
  int smb_version_;
};

int field_number(std::string_view keyword);
std::string command_name(int version, std::uint16_t command);
// Text of UTF-16, as far as it is ASCII: other letters keep their bytes that are not zero.
std::string narrow(Bytes utf16);
std::string guid_text(Bytes guid);
// Of a security blob (bare NTLMSSP, or somewhere in SPNEGO's) the message by which a client signs in.
std::optional<Ntlm> read_ntlm(Bytes blob);

}  // namespace tocsin::protocol::smb

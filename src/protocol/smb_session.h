// What is known of an SMB connection: trees, open files, commands that wait for their answers, calls over pipes. Both
// versions of the protocol fill it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "protocol/smb_transaction.h"

namespace tocsin::protocol::smb {

struct Tree {
  std::string share;
  bool is_pipe = false;
};
struct OpenFile {
  std::string name, share;
  bool is_pipe = false;
};
struct Read {
  std::string file;
  std::uint64_t offset = 0;
};

class Connection {
 public:
  Connection(const Options& options, std::deque<std::unique_ptr<Transaction>>& transactions);

  SmbTransaction& begin(int version, std::uint16_t command, std::uint64_t message, std::uint64_t session,
                        std::uint32_t tree);
  // The command that this message answers; null: it was not seen, or needs no transaction.
  SmbTransaction* find(int version, std::uint16_t command, std::uint64_t message);

  // Bytes of a file, at a place, or of a pipe.
  void carry(Side side, int version, std::uint16_t command, std::uint64_t message, std::uint64_t session,
             std::uint32_t tree, const std::string& file, std::uint64_t offset, Bytes bytes);
  void rpc(Side side, int version, std::uint16_t command, std::uint64_t message, std::uint64_t session,
           std::uint32_t tree, const std::string& file, Bytes bytes);
  void close(const std::string& file);
  void close_all();
  bool is_pipe(std::uint32_t tree, const std::string& file) const;
  void open(const std::string& id, OpenFile file);
  void tree(std::uint32_t id, Tree tree);
  void expect_read(std::uint64_t message, Read read);
  std::optional<Read> take_read(std::uint64_t message);
  const Tree* tree(std::uint32_t id) const;
  const OpenFile* file(const std::string& id) const;

  std::shared_ptr<Session> session;
  std::map<std::uint64_t, OpenFile> creates;  // by their message, until they are answered
  std::vector<std::string> dialects;          // that the client offered
  Timestamp now = 0;

 private:
  SmbTransaction* by_id(std::uint64_t id);
  void end_file(SmbTransaction& transaction, File::State how);
  SmbTransaction* find_call(std::uint32_t call, Side side);

  std::deque<std::unique_ptr<Transaction>>& transactions_;
  FileSettings settings_;
  std::uint64_t most_, next_ = 0;
  std::map<std::uint32_t, Tree> trees_;
  std::map<std::string, OpenFile> files_;
  std::map<std::uint64_t, Read> reads_;
  std::map<std::pair<std::string, int>, std::uint64_t> carried_;  // file and side to the transaction's id
};

// A message, from its header on. False: the flow is given up.
bool take_message1(Connection& connection, Side side, Bytes bytes);
bool take_message2(Connection& connection, Side side, Bytes bytes);

}  // namespace tocsin::protocol::smb

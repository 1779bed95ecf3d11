#include "protocol/smb_session.h"

#include <algorithm>

#include "protocol/values.h"

namespace tocsin::protocol::smb {
namespace {

constexpr std::size_t kMostTrees = 1'024, kMostFiles = 4'096, kMostWaiting = 4'096;
constexpr std::size_t kLongestStub = 1'048'576;

// One more, the first letting go where there are too many.
template <typename Map, typename Key, typename Kept>
void keep(Map& map, std::size_t most, Key key, Kept kept) {
  if (map.size() >= most && !map.contains(key)) map.erase(map.begin());
  map.insert_or_assign(std::move(key), std::move(kept));
}

}  // namespace

Connection::Connection(const Options& options, std::deque<std::unique_ptr<Transaction>>& transactions)
    : session(std::make_shared<Session>()),
      transactions_(transactions),
      settings_(FileSettings::of(options)),
      most_(options.number("app-layer.protocols.smb.max-tx", 1'024)) {}

SmbTransaction& Connection::begin(int version, std::uint16_t command, std::uint64_t message, std::uint64_t session_id,
                                  std::uint32_t tree_id) {
  if (transactions_.size() > most_) {
    for (const auto& one : transactions_) {
      if (one->is_complete()) continue;
      auto& oldest = static_cast<SmbTransaction&>(*one);
      if (std::ranges::find(oldest.events, "smb.too_many_transactions") == oldest.events.end()) {
        oldest.event("smb.too_many_transactions");
      }
      oldest.finish(Side::kToServer);
      oldest.finish(Side::kToClient);
      break;
    }
    if (transactions_.size() > 2 * most_) transactions_.pop_front();
  }
  auto made = std::make_unique<SmbTransaction>(session, version);
  made->id = next_++;
  made->time = now;
  made->command = command;
  made->message = message;
  made->session_id = session_id;
  made->tree = tree_id;
  transactions_.push_back(std::move(made));
  return static_cast<SmbTransaction&>(*transactions_.back());
}

SmbTransaction* Connection::find(int version, std::uint16_t command, std::uint64_t message) {
  for (auto one = transactions_.rbegin(); one != transactions_.rend(); ++one) {
    auto& transaction = static_cast<SmbTransaction&>(**one);
    if (transaction.message == message && transaction.command == command && transaction.smb_version() == version &&
        !transaction.is_complete(Side::kToClient)) {
      return &transaction;
    }
  }
  return nullptr;
}

SmbTransaction* Connection::by_id(std::uint64_t id) {
  for (auto one = transactions_.rbegin(); one != transactions_.rend(); ++one) {
    if ((*one)->id == id) return static_cast<SmbTransaction*>(one->get());
  }
  return nullptr;
}

SmbTransaction* Connection::find_call(std::uint32_t call, Side side) {
  for (auto one = transactions_.rbegin(); one != transactions_.rend(); ++one) {
    auto& transaction = static_cast<SmbTransaction&>(**one);
    if (transaction.rpc && transaction.rpc->call == call && !transaction.is_complete(side)) return &transaction;
  }
  return nullptr;
}

bool Connection::is_pipe(std::uint32_t tree_id, const std::string& file_id) const {
  const OpenFile* opened = file(file_id);
  if (opened && opened->is_pipe) return true;
  const Tree* of = tree(tree_id);
  return of && of->is_pipe;
}

void Connection::open(const std::string& id, OpenFile opened) { keep(files_, kMostFiles, id, std::move(opened)); }
void Connection::tree(std::uint32_t id, Tree made) { keep(trees_, kMostTrees, id, std::move(made)); }
void Connection::expect_read(std::uint64_t message, Read read) { keep(reads_, kMostWaiting, message, std::move(read)); }

std::optional<Read> Connection::take_read(std::uint64_t message) {
  auto node = reads_.extract(message);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

const Tree* Connection::tree(std::uint32_t id) const {
  const auto found = trees_.find(id);
  return found == trees_.end() ? nullptr : &found->second;
}

const OpenFile* Connection::file(const std::string& id) const {
  const auto found = files_.find(id);
  return found == files_.end() ? nullptr : &found->second;
}

void Connection::carry(Side side, int version, std::uint16_t command, std::uint64_t message, std::uint64_t session_id,
                       std::uint32_t tree_id, const std::string& file_id, std::uint64_t offset, Bytes bytes) {
  const std::pair key{file_id, static_cast<int>(side)};
  const auto known = carried_.find(key);
  SmbTransaction* transaction = known == carried_.end() ? nullptr : by_id(known->second);
  if (!transaction) {
    transaction = &begin(version, command, message, session_id, tree_id);
    const OpenFile* opened = file(file_id);
    transaction->file_name = opened ? opened->name : "<unknown>";
    transaction->file_id = guid_text(bytes_of(file_id));
    const Tree* of = tree(tree_id);
    if (of) transaction->share = of->share;
    transaction->files.push_back(
        std::make_unique<GrowingFile>(settings_, *transaction->file_name, side, transaction->id));
    keep(carried_, kMostFiles, key, transaction->id);
  }
  auto& carried = static_cast<GrowingFile&>(*transaction->files.front());
  if (offset > carried.size) carried.skip(offset - carried.size);
  if (offset + bytes.size() > carried.size) {
    carried.append(bytes.subspan(static_cast<std::size_t>(carried.size - std::min(offset, carried.size))));
  }
  transaction->changed();
}

void Connection::end_file(SmbTransaction& transaction, File::State how) {
  for (const auto& one : transaction.files) static_cast<GrowingFile&>(*one).close(how);
  transaction.finish(Side::kToServer);
  transaction.finish(Side::kToClient);
}

void Connection::close(const std::string& file_id) {
  for (const int side : {0, 1}) {
    const auto known = carried_.find({file_id, side});
    if (known == carried_.end()) continue;
    if (SmbTransaction* transaction = by_id(known->second)) end_file(*transaction, File::State::kClosed);
    carried_.erase(known);
  }
  files_.erase(file_id);
}

void Connection::close_all() {
  for (const auto& [key, id] : carried_) {
    if (SmbTransaction* transaction = by_id(id)) end_file(*transaction, File::State::kTruncated);
  }
  carried_.clear();
}

void Connection::rpc(Side side, int version, std::uint16_t command, std::uint64_t message, std::uint64_t session_id,
                     std::uint32_t tree_id, const std::string&, Bytes bytes) {
  dcerpc::Header header;
  if (!dcerpc::read_header(bytes, header)) return;
  const Bytes body = bytes.subspan(dcerpc::kHeader);
  SmbTransaction* transaction = find_call(header.call, side);
  if (!transaction) {
    transaction = &begin(version, command, message, session_id, tree_id);
    transaction->rpc = std::make_unique<RpcCall>();
    transaction->rpc->call = header.call;
  }
  RpcCall& call = *transaction->rpc;
  Bytes stub;
  if (side == Side::kToServer) {
    call.request = header.type;
    call.has_request = true;
    call.minor = header.minor;
    if (header.type == dcerpc::kBind || header.type == dcerpc::kAlterContext) {
      if (!dcerpc::read_bind(body, header, session->interfaces)) transaction->event("smb.malformed_data");
    } else if (header.type == dcerpc::kRequest) {
      Reader reader(body);
      reader.skip(4);
      call.context = header.is_little ? reader.le16() : reader.u16();
      call.operation = header.is_little ? reader.le16() : reader.u16();
      stub = reader.rest();
    }
  } else {
    call.response = header.type;
    call.has_response = true;
    if (header.type == dcerpc::kBindAck || header.type == dcerpc::kAlterContextResponse) {
      if (!dcerpc::read_bind_answer(body, header, session->interfaces)) transaction->event("smb.malformed_data");
    } else if (header.type == dcerpc::kResponse) {
      Reader reader(body);
      reader.skip(8);
      stub = reader.rest();
    }
  }
  std::string& kept = call.stub[static_cast<int>(side)];
  if (kept.size() < kLongestStub) {
    kept += text_of(stub.first(std::min<std::size_t>(stub.size(), kLongestStub - kept.size())));
  }
  ++call.fragments[static_cast<int>(side)];
  if ((header.flags & dcerpc::kLastFragment) != 0) transaction->finish(side);
  transaction->changed();
}

}  // namespace tocsin::protocol::smb

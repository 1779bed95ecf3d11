// SMB 2 and 3 ([MS-SMB2]).
#include <fmt/format.h>

#include "protocol/smb_session.h"
#include "protocol/values.h"

namespace tocsin::protocol::smb {
namespace {

constexpr std::size_t kHeader = 64;
constexpr std::uint32_t kPending = 0x103, kMoreProcessing = 0xc0000016, kPipeTransceive = 0x0011'c017;
constexpr std::uint32_t kOverflow = 0x80000005;
enum Command : std::uint16_t {
  kNegotiate = 0,
  kSessionSetup = 1,
  kTreeConnect = 3,
  kCreate = 5,
  kClose = 6,
  kRead = 8,
  kWrite = 9,
  kIoctl = 11,
  kCancel = 12,
  kSetInfo = 17,
  kLastCommand = 18
};

struct Header {
  std::uint32_t status = 0, flags = 0, next = 0, tree = 0;
  std::uint16_t command = 0;
  std::uint64_t message = 0, session = 0;
};

std::string dialect_text(std::uint16_t dialect) {
  switch (dialect) {
    case 0x0202:
      return "2.02";
    case 0x0210:
      return "2.10";
    case 0x0222:
      return "2.22";
    case 0x0224:
      return "2.24";
    case 0x02ff:
      return "2.??";
    case 0x0300:
      return "3.00";
    case 0x0302:
      return "3.02";
    case 0x0310:
      return "3.10";
    case 0x0311:
      return "3.11";
    default:
      return std::to_string(dialect);
  }
}

// Windows' time to seconds since 1970.
std::uint64_t seconds_of(std::uint64_t file_time) {
  const std::uint64_t seconds = file_time / 10'000'000;
  return seconds > 11'644'473'600 ? seconds - 11'644'473'600 : 0;
}

class Message {
 public:
  Message(Connection& connection, Side side, const Header& header, Bytes whole)
      : connection_(connection), side_(side), header_(header), whole_(whole), body_(whole.subspan(kHeader)) {}

  void take() { side_ == Side::kToServer ? request() : response(); }

 private:
  // A part of the message, by its place from the header on.
  Bytes part(std::size_t offset, std::size_t length) const {
    if (offset > whole_.size() || length > whole_.size() - offset) return {};
    return whole_.subspan(offset, length);
  }
  Reader at(std::size_t offset) const {
    Reader reader(body_);
    reader.move_to(offset);
    return reader;
  }
  std::string file_id(std::size_t offset) const {
    Reader reader = at(offset);
    return std::string(text_of(reader.bytes(16)));
  }
  SmbTransaction& begin() {
    SmbTransaction& made = connection_.begin(2, header_.command, header_.message, header_.session, header_.tree);
    made.finish(Side::kToServer);
    return made;
  }

  void request() {
    switch (header_.command) {
      case kNegotiate:
        negotiate();
        return;
      case kSessionSetup: {
        SmbTransaction& made = begin();
        Reader reader = at(12);
        const std::uint16_t offset = reader.le16(), length = reader.le16();
        made.ntlm = read_ntlm(part(offset, length));
        return;
      }
      case kTreeConnect: {
        SmbTransaction& made = begin();
        Reader reader = at(4);
        const std::uint16_t offset = reader.le16(), length = reader.le16();
        made.share = narrow(part(offset, length));
        return;
      }
      case kCreate:
        create();
        return;
      case kClose:
        connection_.close(file_id(8));
        begin();
        return;
      case kRead: {
        Reader reader = at(8);
        const std::uint64_t offset = reader.le64();
        connection_.expect_read(header_.message, {file_id(16), offset});
        return;
      }
      case kWrite: {
        Reader reader = at(2);
        const std::uint16_t place = reader.le16();
        const std::uint32_t length = reader.le32();
        const std::uint64_t offset = reader.le64();
        carry(file_id(16), offset, part(place, length));
        return;
      }
      case kIoctl: {
        Reader reader = at(4);
        const std::uint32_t function = reader.le32();
        reader.skip(16);
        const std::uint32_t offset = reader.le32(), length = reader.le32();
        if (function == kPipeTransceive) {
          connection_.rpc(side_, 2, header_.command, header_.message, header_.session, header_.tree, file_id(8),
                          part(offset, length));
        } else {
          begin().function = fmt::format("0x{:08x}", function);
        }
        return;
      }
      case kSetInfo:
        set_info();
        return;
      default:
        if (header_.command != kCancel) begin();
    }
  }

  void negotiate() {
    SmbTransaction& made = begin();
    Reader reader = at(2);
    const std::uint16_t count = reader.le16();
    reader.skip(8);
    made.client_guid = guid_text(reader.bytes(16));
    reader.skip(8);
    for (int i = 0; i < count && i < 64 && reader.left() >= 2; ++i)
      made.dialects.push_back(dialect_text(reader.le16()));
  }

  void create() {
    SmbTransaction& made = begin();
    made.is_create = true;
    Reader reader = at(36);
    made.disposition = reader.le32();
    const std::uint32_t options = reader.le32();
    const std::uint16_t offset = reader.le16(), length = reader.le16();
    made.file_name = narrow(part(offset, length));
    made.is_directory = (options & 1) != 0;
    made.is_deleted_on_close = (options & 0x1000) != 0;
    const Tree* tree = connection_.tree(header_.tree);
    if (connection_.creates.size() > 1'024) connection_.creates.erase(connection_.creates.begin());
    connection_.creates[header_.message] = {*made.file_name, tree ? tree->share : "", tree && tree->is_pipe};
  }

  void set_info() {
    SmbTransaction& made = begin();
    Reader reader = at(2);
    const std::uint8_t type = reader.u8(), level = reader.u8();
    const std::uint32_t length = reader.le32();
    const std::uint16_t offset = reader.le16();
    if (type != 1 || level != 10) return;
    Reader info(part(offset, length));
    info.skip(16);
    const Bytes name = info.bytes(info.le32());
    if (!info.ok()) return;
    const std::string id = file_id(16);
    const OpenFile* file = connection_.file(id);
    made.file_id = guid_text(bytes_of(id));
    made.renamed = {file ? file->name : "<unknown>", narrow(name)};
  }

  void carry(const std::string& id, std::uint64_t offset, Bytes bytes) {
    if (bytes.empty()) return;
    if (connection_.is_pipe(header_.tree, id)) {
      connection_.rpc(side_, 2, header_.command, header_.message, header_.session, header_.tree, id, bytes);
    } else {
      connection_.carry(side_, 2, header_.command, header_.message, header_.session, header_.tree, id, offset, bytes);
    }
  }

  void response() {
    if (header_.status == kPending) return;
    const bool is_good = header_.status == 0 || header_.status == kOverflow;
    if (header_.command == kRead) {
      const auto read = connection_.take_read(header_.message);
      if (!read || !is_good) return;
      Reader reader = at(2);
      const std::uint8_t place = reader.u8();
      reader.u8();
      carry(read->file, read->offset, part(place, reader.le32()));
      return;
    }
    if (header_.command == kIoctl && is_good) {
      Reader reader = at(4);
      const std::uint32_t function = reader.le32();
      reader.skip(24);
      const std::uint32_t offset = reader.le32(), length = reader.le32();
      if (function == kPipeTransceive) {
        connection_.rpc(side_, 2, header_.command, header_.message, header_.session, header_.tree, file_id(8),
                        part(offset, length));
        return;
      }
    }
    SmbTransaction* transaction = connection_.find(2, header_.command, header_.message);
    if (header_.command == kNegotiate) {
      Reader reader = at(4);
      const std::uint16_t dialect = reader.le16();
      reader.u16();
      const std::string guid = guid_text(reader.bytes(16));
      reader.skip(8);
      const std::uint32_t most_read = reader.le32(), most_write = reader.le32();
      if (reader.ok() && is_good) {
        connection_.session->dialect = dialect_text(dialect);
        connection_.session->max_read = most_read;
        connection_.session->max_write = most_write;
        // SMB 1 may have asked.
        if (!transaction) transaction = connection_.find(1, 0x72, 0);
        if (transaction) transaction->server_guid = guid;
      }
    } else if (header_.command == kTreeConnect && is_good && transaction) {
      Reader reader = at(2);
      transaction->share_type = reader.u8();
      transaction->is_pipe = transaction->share_type == 2;
      transaction->tree = header_.tree;
      connection_.tree(header_.tree, {transaction->share, transaction->is_pipe});
    } else if (header_.command == kCreate) {
      created(transaction, is_good);
    }
    if (!transaction) return;
    transaction->status = header_.status;
    if (header_.command == kSessionSetup && header_.status == kMoreProcessing)
      transaction->session_id = header_.session;
    transaction->finish(Side::kToClient);
  }

  void created(SmbTransaction* transaction, bool is_good) {
    auto asked = connection_.creates.extract(header_.message);
    if (!is_good) return;
    Reader reader = at(8);
    const std::uint64_t created = reader.le64(), accessed = reader.le64(), modified = reader.le64(),
                        changed = reader.le64();
    reader.skip(8);
    const std::uint64_t size = reader.le64();
    reader.skip(8);
    const std::string id(text_of(reader.bytes(16)));
    if (!reader.ok()) return;
    if (!asked.empty()) connection_.open(id, asked.mapped());
    if (!transaction) return;
    transaction->created = seconds_of(created);
    transaction->accessed = seconds_of(accessed);
    transaction->modified = seconds_of(modified);
    transaction->changed_at = seconds_of(changed);
    transaction->size = size;
    transaction->file_id = guid_text(bytes_of(id));
  }

  Connection& connection_;
  Side side_;
  const Header& header_;
  Bytes whole_, body_;
};

}  // namespace

bool take_message2(Connection& connection, Side side, Bytes bytes) {
  // Several may be chained.
  while (bytes.size() >= kHeader) {
    Reader reader(bytes);
    reader.skip(8);
    Header header;
    header.status = reader.le32();
    header.command = reader.le16();
    reader.skip(2);
    header.flags = reader.le32();
    header.next = reader.le32();
    header.message = reader.le64();
    reader.skip(4);
    header.tree = reader.le32();
    header.session = reader.le64();
    const bool is_last = header.next < kHeader || header.next >= bytes.size();
    const Bytes whole = is_last ? bytes : bytes.first(header.next);
    const Side by = (header.flags & 1) != 0 ? Side::kToClient : Side::kToServer;
    if (by == side && header.command <= kLastCommand) Message(connection, side, header, whole).take();
    if (is_last) break;
    bytes = bytes.subspan(header.next);
  }
  return true;
}

}  // namespace tocsin::protocol::smb

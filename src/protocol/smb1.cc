// SMB 1, as far as it opens files and pipes and carries them ([MS-CIFS], [MS-SMB]).
#include <algorithm>

#include "protocol/smb_session.h"
#include "protocol/values.h"

namespace tocsin::protocol::smb {
namespace {

constexpr std::size_t kHeader = 32;
enum Command : std::uint8_t {
  kClose = 0x04,
  kTransaction = 0x25,
  kReadAndX = 0x2e,
  kWriteAndX = 0x2f,
  kNegotiate = 0x72,
  kSessionSetup = 0x73,
  kTreeConnect = 0x75,
  kNtCreate = 0xa2
};

class Message {
 public:
  Message(Connection& connection, Side side, Bytes whole) : connection_(connection), side_(side), whole_(whole) {}

  bool take() {
    Reader reader(whole_);
    reader.skip(4);
    command_ = reader.u8();
    status_ = reader.le32();
    const std::uint8_t flags = reader.u8();
    flags2_ = reader.le16();
    reader.skip(12);
    tree_ = reader.le16();
    reader.skip(2);
    user_ = reader.le16();
    message_ = reader.le16();
    words_ = reader.bytes(std::size_t{reader.u8()} * 2);
    data_at_ = reader.at() + 2;
    const std::uint16_t count = reader.le16();
    if (!reader.ok()) return true;
    data_ = reader.bytes(std::min<std::size_t>(count, reader.left()));
    const bool is_reply = (flags & 0x80) != 0;
    if (is_reply != (side_ == Side::kToClient)) return true;
    is_reply ? response() : request();
    return true;
  }

 private:
  Reader word(std::size_t offset) const {
    Reader reader(words_);
    reader.move_to(offset);
    return reader;
  }
  Bytes part(std::size_t offset, std::size_t length) const {
    if (offset > whole_.size()) return {};
    return whole_.subspan(offset, std::min(length, whole_.size() - offset));
  }
  std::string file_id(std::size_t offset) const {
    Reader reader = word(offset);
    return std::string(text_of(reader.bytes(2)));
  }
  // A text of the data from a place on: UTF-16 on an even place, or bytes, up to its zero.
  std::string text(std::size_t& at) const {
    if ((flags2_ & 0x8000) == 0) {
      const std::string_view all = text_of(data_).substr(std::min(at, data_.size()));
      const std::string_view one = all.substr(0, all.find('\0'));
      at += one.size() + 1;
      return std::string(one);
    }
    if ((data_at_ + at) % 2 != 0) ++at;
    std::string result;
    while (at + 1 < data_.size()) {
      const std::uint8_t low = data_[at], high = data_[at + 1];
      at += 2;
      if (low == 0 && high == 0) break;
      if (low != 0) result += static_cast<char>(low);
      if (high != 0) result += static_cast<char>(high);
    }
    return result;
  }
  SmbTransaction& begin() {
    SmbTransaction& made = connection_.begin(1, command_, message_, user_, tree_);
    made.finish(Side::kToServer);
    return made;
  }

  void request() {
    switch (command_) {
      case kNegotiate: {
        SmbTransaction& made = begin();
        std::string_view rest = text_of(data_);
        while (rest.starts_with('\2') && made.dialects.size() < 64) {
          const std::size_t end = rest.find('\0');
          made.dialects.emplace_back(rest.substr(1, end == std::string_view::npos ? end : end - 1));
          rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        }
        connection_.dialects = made.dialects;
        return;
      }
      case kSessionSetup: {
        SmbTransaction& made = begin();
        Reader reader = word(14);
        const std::uint16_t length = reader.le16();
        if (words_.size() == 24) made.ntlm = read_ntlm(data_.first(std::min<std::size_t>(length, data_.size())));
        return;
      }
      case kTreeConnect: {
        SmbTransaction& made = begin();
        Reader reader = word(6);
        std::size_t at = reader.le16();
        made.share = text(at);
        const std::string_view service = text_of(data_).substr(std::min(at, data_.size()));
        made.service_asked = service.substr(0, service.find('\0'));
        return;
      }
      case kNtCreate: {
        SmbTransaction& made = begin();
        made.is_create = true;
        Reader reader = word(35);
        made.disposition = reader.le32();
        const std::uint32_t options = reader.le32();
        made.is_directory = (options & 1) != 0;
        made.is_deleted_on_close = (options & 0x1000) != 0;
        std::size_t at = 0;
        made.file_name = text(at);
        const Tree* tree = connection_.tree(tree_);
        if (connection_.creates.size() > 1'024) connection_.creates.erase(connection_.creates.begin());
        connection_.creates[message_] = {*made.file_name, tree ? tree->share : "", tree && tree->is_pipe};
        return;
      }
      case kClose:
        connection_.close(file_id(0));
        begin();
        return;
      case kReadAndX: {
        Reader reader = word(6);
        connection_.expect_read(message_, {file_id(4), reader.le32()});
        return;
      }
      case kWriteAndX: {
        Reader reader = word(6);
        const std::uint32_t offset = reader.le32();
        reader.move_to(18);
        const std::uint32_t high = reader.le16(), low = reader.le16();
        const std::uint16_t place = reader.le16();
        carry(file_id(4), offset, part(place, high << 16 | low));
        return;
      }
      case kTransaction: {
        Reader reader = word(22);
        const std::uint16_t length = reader.le16(), offset = reader.le16();
        if (words_.size() >= 32 && words_[28] == 0x26) {
          connection_.rpc(side_, 1, command_, message_, user_, tree_, file_id(30), part(offset, length));
        } else {
          begin();
        }
        return;
      }
      default:
        begin();
    }
  }

  void carry(const std::string& id, std::uint64_t offset, Bytes bytes) {
    if (bytes.empty()) return;
    if (connection_.is_pipe(tree_, id)) {
      connection_.rpc(side_, 1, command_, message_, user_, tree_, id, bytes);
    } else {
      connection_.carry(side_, 1, command_, message_, user_, tree_, id, offset, bytes);
    }
  }

  void response() {
    SmbTransaction* transaction = connection_.find(1, command_, message_);
    switch (command_) {
      case kNegotiate: {
        Reader reader = word(0);
        const std::uint16_t chosen = reader.le16();
        if (chosen < connection_.dialects.size()) connection_.session->dialect = connection_.dialects[chosen];
        break;
      }
      case kTreeConnect:
        if (!transaction || status_ != 0) break;
        transaction->service = text_of(data_).substr(0, text_of(data_).find('\0'));
        transaction->is_pipe = transaction->service == "IPC";
        transaction->tree = tree_;
        connection_.tree(tree_, {transaction->share, transaction->is_pipe});
        break;
      case kNtCreate: {
        auto asked = connection_.creates.extract(message_);
        if (status_ != 0) break;
        const std::string id = file_id(5);
        if (!asked.empty()) connection_.open(id, asked.mapped());
        if (transaction) transaction->file_id = guid_text(bytes_of(id));
        break;
      }
      case kReadAndX: {
        const auto read = connection_.take_read(message_);
        Reader reader = word(10);
        const std::uint16_t length = reader.le16(), place = reader.le16();
        if (read && (status_ == 0 || status_ == 0x80000005)) carry(read->file, read->offset, part(place, length));
        return;
      }
      case kTransaction: {
        Reader reader = word(12);
        const std::uint16_t length = reader.le16(), offset = reader.le16();
        if (!transaction && reader.ok()) {
          connection_.rpc(side_, 1, command_, message_, user_, tree_, {}, part(offset, length));
          return;
        }
        break;
      }
      default:
        break;
    }
    if (!transaction) return;
    transaction->status = status_;
    transaction->finish(Side::kToClient);
  }

  Connection& connection_;
  Side side_;
  Bytes whole_, words_, data_;
  std::size_t data_at_ = 0;
  std::uint8_t command_ = 0;
  std::uint32_t status_ = 0;
  std::uint16_t flags2_ = 0, tree_ = 0, user_ = 0, message_ = 0;
};

}  // namespace

bool take_message1(Connection& connection, Side side, Bytes bytes) {
  if (bytes.size() < kHeader) return true;
  return Message(connection, side, bytes).take();
}

}  // namespace tocsin::protocol::smb

// FTP's data connections: what the control connection said of them, and the file.
#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/file.h"
#include "protocol/protocols.h"
#include "protocol/values.h"

namespace tocsin::protocol {
namespace {

constexpr int kCommand = 0;

class FtpDataTransaction final : public Transaction {
 public:
  Value value(int field, Side, std::size_t index) const override {
    return field == kCommand && index == 0 ? text_value(command) : absent_value();
  }

  std::string eve() const override {
    EveObject out;
    out.open("ftp_data");
    if (!name.empty()) out.text("filename", name);
    if (!command.empty()) out.text("command", command);
    out.close();
    return out.take();
  }

  std::string command, name;
};

class FtpDataParser final : public Parser {
 public:
  explicit FtpDataParser(const Options& options) : settings_(FileSettings::of(options)) {}

  void announced(const Expected& by) override {
    auto made = std::make_unique<FtpDataTransaction>();
    transaction_ = made.get();
    made->command = by.command;
    made->name = by.file_name;
    const bool is_upload = by.command == "STOR" || by.command == "APPE" || by.command == "STOU";
    side_ = is_upload == by.to_server ? Side::kToServer : Side::kToClient;
    transactions.push_back(std::move(made));
  }

  bool take(Side side, Bytes bytes, Timestamp time) override {
    if (!transaction_) return false;
    if (side != side_ || is_over_) return true;
    if (transaction_->time == 0) transaction_->time = time;
    if (!file_ && !transaction_->name.empty()) {
      auto file = std::make_unique<GrowingFile>(settings_, transaction_->name, side_, transaction_->id);
      file_ = file.get();
      transaction_->files.push_back(std::move(file));
    }
    if (file_) file_->append(bytes);
    transaction_->changed();
    return true;
  }

  bool skip(Side side, std::uint64_t bytes, Timestamp) override {
    if (side == side_ && file_) file_->skip(bytes);
    return transaction_ != nullptr;
  }

  void end(Side side, Timestamp) override {
    if (side != side_ || !transaction_ || is_over_) return;
    is_over_ = true;
    if (file_) file_->close();
    transaction_->progress[0] = transaction_->progress[1] = Transaction::kComplete;
    transaction_->changed();
    transaction_ = nullptr;
    file_ = nullptr;
  }

 private:
  FileSettings settings_;
  FtpDataTransaction* transaction_ = nullptr;
  GrowingFile* file_ = nullptr;
  Side side_ = Side::kToClient;
  bool is_over_ = false;
};

class FtpData final : public Protocol {
 public:
  std::string_view name() const override { return "ftp-data"; }
  int field(std::string_view keyword) const override { return keyword == "ftpdata_command" ? kCommand : -1; }
  Probe probe(bool, Side, Bytes, std::uint16_t) const override { return Probe::kNo; }
  std::unique_ptr<Parser> parser(const Options& options) const override {
    return std::make_unique<FtpDataParser>(options);
  }
};

}  // namespace

const Protocol& ftp_data_protocol() {
  static const FtpData protocol;
  return protocol;
}

}  // namespace tocsin::protocol

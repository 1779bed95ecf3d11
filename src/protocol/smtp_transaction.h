// One mail of an SMTP flow, or one attempt: what was said up to the end of its content.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/file.h"
#include "protocol/mime.h"
#include "protocol/transaction.h"

namespace tocsin::protocol {
class EveObject;
}

namespace tocsin::protocol::smtp {

struct Settings {
  MimeSettings mime;
  bool decode_mime = true, raw_extraction = false;
  std::uint64_t most_transactions = 256;
  std::vector<std::string> email_fields;  // further members of EVE's email
  bool subject_md5 = false;
  FileSettings files;
  static Settings of(const Options& options);
};

int field_number(std::string_view keyword);

class SmtpTransaction final : public Transaction {
 public:
  SmtpTransaction(std::shared_ptr<const Settings> settings, std::shared_ptr<const std::string> helo)
      : settings_(std::move(settings)), helo_(std::move(helo)) {}

  Value value(int field, Side side, std::size_t index) const override;
  std::string eve() const override;

  void reach(Side side, std::uint8_t step) {
    std::uint8_t& reached = progress[static_cast<int>(side)];
    if (step <= reached) return;
    reached = step;
    changed();
  }
  // The content begins: as a mail, or, if so set, as a file of its own.
  void begin_content();
  void end_content();

  std::optional<std::string> mail_from;
  std::vector<std::string> recipients;
  std::unique_ptr<Mail> mail;
  GrowingFile* open_file = nullptr;
  bool has_data = false;

 private:
  void open(const std::string& name);
  Value header_value(std::string_view name, std::size_t index) const;
  void email_object(EveObject& out) const;

  mutable std::string_view next_name_;
  mutable std::size_t next_value_ = 0, next_place_ = 0;
  std::shared_ptr<const Settings> settings_;
  std::shared_ptr<const std::string> helo_;  // of the flow; empty while it was not said
};

}  // namespace tocsin::protocol::smtp

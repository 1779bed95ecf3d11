#include "protocol/smtp_transaction.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "protocol/eve_object.h"
#include "protocol/reader.h"
#include "protocol/tls_hello.h"

namespace tocsin::protocol::smtp {
namespace {

enum Field : int {
  kHelo,
  kMailFrom,
  kRecipient,
  kFrom,
  kSubject,
  kTo,
  kCc,
  kDate,
  kMessageId,
  kMailer,
  kUrl,
  kReceived,
  kBodyMd5
};
constexpr std::pair<std::string_view, int> kFields[] = {
    {"smtp.helo", kHelo},        {"smtp.mail_from", kMailFrom}, {"smtp.rcpt_to", kRecipient},
    {"email.from", kFrom},       {"email.subject", kSubject},   {"email.to", kTo},
    {"email.cc", kCc},           {"email.date", kDate},         {"email.message_id", kMessageId},
    {"email.x_mailer", kMailer}, {"email.url", kUrl},           {"email.received", kReceived},
    {"email.body_md5", kBodyMd5}};
constexpr std::size_t kMostFiles = 256;

// Members of EVE's email that are logged if asked for, and the headers they are of.
constexpr std::pair<std::string_view, std::string_view> kEmailFields[] = {
    {"reply_to", "reply-to"},       {"bcc", "bcc"},
    {"message_id", "message-id"},   {"subject", "subject"},
    {"x_mailer", "x-mailer"},       {"user_agent", "user-agent"},
    {"received", "received"},       {"x_originating_ip", "x-originating-ip"},
    {"in_reply_to", "in-reply-to"}, {"references", "references"},
    {"importance", "importance"},   {"priority", "priority"},
    {"sensitivity", "sensitivity"}, {"organization", "organization"},
    {"content_md5", "content-md5"}, {"date", "date"}};

Value whole(std::string_view text) {
  Value value;
  value.presence = Presence::kWhole;
  value.bytes = bytes_of(text);
  return value;
}
Value absent() {
  Value value;
  value.presence = Presence::kAbsent;
  return value;
}

// Parts between commas, but not those in quotes.
std::vector<std::string_view> addresses(std::string_view value) {
  std::vector<std::string_view> all;
  bool is_quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= value.size(); ++i) {
    if (i < value.size() && value[i] == '"') is_quoted = !is_quoted;
    if (i < value.size() && (value[i] != ',' || is_quoted)) continue;
    std::string_view part = value.substr(begin, i - begin);
    part = part.substr(std::min(part.find_first_not_of(" \t"), part.size()));
    if (!part.empty()) all.push_back(part);
    begin = i + 1;
  }
  return all;
}

void address_list(EveObject& out, std::string_view member, const Mail& mail, std::string_view header) {
  const auto values = mail.values(header);
  if (values.empty()) return;
  const auto all = addresses(values.front());
  if (all.empty()) return;
  out.open_list(member);
  for (const std::string_view one : all) out.item(one);
  out.close_list();
}

std::vector<std::string> list_of(const Options& options, const std::string& name) {
  std::vector<std::string> all;
  for (int i = 0; i < 64; ++i) {
    const std::string* one = options.find(fmt::format("{}.{}", name, i));
    if (!one) break;
    all.push_back(*one);
  }
  return all;
}

}  // namespace

Settings Settings::of(const Options& options) {
  Settings settings;
  const std::string mime = "app-layer.protocols.smtp.mime.";
  settings.decode_mime = options.flag(mime + "decode-mime", true);
  settings.raw_extraction = options.flag("app-layer.protocols.smtp.raw-extraction", false) && !settings.decode_mime;
  settings.mime.base64 = options.flag(mime + "decode-base64", true);
  settings.mime.quoted_printable = options.flag(mime + "decode-quoted-printable", true);
  settings.mime.urls = options.flag(mime + "extract-urls", true);
  settings.mime.log_url_scheme = options.flag(mime + "log-url-scheme", false);
  settings.mime.body_md5 = options.flag(mime + "body-md5", false);
  if (auto schemes = list_of(options, mime + "extract-urls-schemes"); !schemes.empty()) {
    settings.mime.schemes.clear();
    for (const std::string& scheme : schemes) settings.mime.schemes.push_back(scheme + "://");
  }
  settings.most_transactions = options.number("app-layer.protocols.smtp.max-tx", 256);
  settings.email_fields = list_of(options, "outputs.eve-log.types.smtp.custom");
  for (const std::string& what : list_of(options, "outputs.eve-log.types.smtp.md5")) {
    if (what == "subject") settings.subject_md5 = true;
    if (what == "body") settings.mime.body_md5 = true;
  }
  settings.files = FileSettings::of(options);
  return settings;
}

int field_number(std::string_view keyword) {
  for (const auto& [name, number] : kFields) {
    if (name == keyword) return number;
  }
  return -1;
}

void SmtpTransaction::open(const std::string& name) {
  if (files.size() >= kMostFiles) return;
  auto file = std::make_unique<GrowingFile>(settings_->files, name, Side::kToServer, id);
  open_file = file.get();
  files.push_back(std::move(file));
  changed();
}

void SmtpTransaction::begin_content() {
  if (settings_->raw_extraction) {
    open("rawmsg");
    return;
  }
  if (!settings_->decode_mime) return;
  mail = std::make_unique<Mail>(settings_->mime);
  mail->event = [this](std::string_view name) {
    static constexpr std::string_view kEvents[] = {"smtp.mime_invalid_base64",   "smtp.mime_invalid_qp",
                                                   "smtp.mime_long_line",        "smtp.mime_long_enc_line",
                                                   "smtp.mime_long_header_name", "smtp.mime_long_header_value",
                                                   "smtp.mime_long_boundary",    "smtp.mime_long_filename"};
    for (const std::string_view known : kEvents) {
      if (known.substr(5) != name) continue;
      if (std::ranges::find(events, known) == events.end()) event(known);
    }
  };
  mail->open_file = [this](const std::string& name) { open(name); };
  mail->file_bytes = [this](std::string_view bytes) {
    if (open_file) open_file->append(bytes_of(bytes));
  };
  mail->close_file = [this] {
    if (open_file) open_file->close();
    open_file = nullptr;
  };
}

void SmtpTransaction::end_content() {
  if (mail) mail->finish();
  if (open_file) open_file->close();
  open_file = nullptr;
}

Value SmtpTransaction::header_value(std::string_view name, std::size_t index) const {
  const Value not_yet = is_complete(Side::kToServer) ? absent() : Value{};
  if (!mail || !mail->has_body()) return not_yet;
  // They are asked for one after another: each goes on where the one before it was.
  std::size_t place = 0;
  if (index > 0 && index == next_value_ && name == next_name_) {
    place = next_place_;
  } else {
    for (std::size_t i = 0; i < index; ++i) {
      if (!mail->next_value(name, place)) return absent();
    }
  }
  const auto value = mail->next_value(name, place);
  next_name_ = name;
  next_value_ = index + 1;
  next_place_ = place;
  return value ? whole(*value) : absent();
}

Value SmtpTransaction::value(int field, Side side, std::size_t index) const {
  if (side != Side::kToServer) return absent();
  const Value not_yet = is_complete(side) ? absent() : Value{};
  if (index > 0 && field != kRecipient && field != kUrl && field != kReceived) return absent();
  switch (field) {
    case kHelo:
      return helo_ && !helo_->empty() ? whole(*helo_) : not_yet;
    case kMailFrom:
      return mail_from ? whole(*mail_from) : not_yet;
    case kRecipient:
      return index < recipients.size() ? whole(recipients[index]) : not_yet;
    case kFrom:
      return header_value("from", index);
    case kSubject:
      return header_value("subject", index);
    case kTo:
      return header_value("to", index);
    case kCc:
      return header_value("cc", index);
    case kDate:
      return header_value("date", index);
    case kMessageId:
      return header_value("message-id", index);
    case kMailer:
      return header_value("x-mailer", index);
    case kReceived:
      return header_value("received", index);
    case kUrl:
      return mail && index < mail->urls.size() ? whole(mail->urls[index]) : not_yet;
    case kBodyMd5:
      return mail && !mail->body_md5.empty() ? whole(mail->body_md5) : not_yet;
    default:
      return absent();
  }
}

void SmtpTransaction::email_object(EveObject& out) const {
  out.open("email");
  if (const auto from = mail->values("from"); !from.empty()) out.text("from", from.front());
  address_list(out, "to", *mail, "to");
  address_list(out, "cc", *mail, "cc");
  out.text("status", "PARSE_DONE");
  if (!mail->attachments.empty()) {
    out.open_list("attachment");
    for (const std::string& name : mail->attachments) out.item(name);
    out.close_list();
  }
  if (!mail->urls.empty()) {
    out.open_list("url");
    for (auto url = mail->urls.rbegin(); url != mail->urls.rend(); ++url) out.item(*url);
    out.close_list();
  }
  for (const auto& [member, header] : kEmailFields) {
    const bool is_asked = std::ranges::any_of(settings_->email_fields, [&](const std::string& asked) {
      return asked == member || equals_ignoring_case(asked, header);
    });
    const auto values = is_asked ? mail->values(header) : std::vector<std::string_view>();
    if (values.empty()) continue;
    if (member == "received") {
      out.open_list(member);
      for (const std::string_view one : values) out.item(one);
      out.close_list();
    } else if (member == "bcc") {
      address_list(out, member, *mail, header);
    } else {
      out.text(member, values.front());
    }
  }
  if (settings_->subject_md5) {
    if (const auto subject = mail->values("subject"); !subject.empty()) {
      out.text("subject_md5", tls::md5_text(subject.front()));
    }
  }
  if (!mail->body_md5.empty()) out.text("body_md5", mail->body_md5);
  out.close();
}

std::string SmtpTransaction::eve() const {
  EveObject out;
  out.open("smtp");
  if (helo_ && !helo_->empty()) out.text("helo", *helo_);
  if (mail_from) out.text("mail_from", *mail_from);
  if (!recipients.empty()) {
    out.open_list("rcpt_to");
    for (const std::string& one : recipients) out.item(one);
    out.close_list();
  }
  out.close();
  if (mail) email_object(out);
  return out.take();
}

}  // namespace tocsin::protocol::smtp

// Zeek logs as JSON lines (LogAscii::use_json). A line does not name its log, so its fields tell.
#include "collect/fields.h"
#include "collect/json_line.h"
#include "collect/readers.h"
#include "collect/zeek.h"

namespace tocsin::collect {
namespace {

class ZeekJsonReader : public LineReader {
 public:
  using LineReader::LineReader;

 protected:
  Outcome take(std::string_view line, const Place& place, Batch& batch) override {
    record_.clear();
    simdjson::ondemand::object object;
    if (json_.open(line, object)) return bad("not a JSON object");
    const auto error = each_field(
        object, [this](std::string_view key, simdjson::ondemand::value value) { return take_field(key, value); });
    if (error || !json_.ended()) return bad("malformed JSON");
    bool passed_over = false;
    if (const auto wrong = take_zeek(zeek_log_of(record_), record_, place, batch, passed_over); !wrong.empty())
      return bad(wrong);
    return passed_over ? Outcome::kPassedOver : Outcome::kTaken;
  }

 private:
  simdjson::error_code take_field(std::string_view key, simdjson::ondemand::value value) {
    const auto field = zeek_field_of(key);
    if (!field) return simdjson::SUCCESS;
    if (*field == ZeekField::kAnswers) {
      return each_element(value, [this](simdjson::ondemand::value element) {
        std::string_view text;
        const auto error = text_of(element, text);
        if (!error && !text.empty()) record_.answers.push_back(text);
        return error;
      });
    }
    std::string_view text;
    if (const auto error = text_of(value, text)) return error;
    record_.set(*field, text);
    return simdjson::SUCCESS;
  }

  JsonLine json_;
  ZeekRecord record_;
};

}  // namespace

std::unique_ptr<ObservationReader> make_zeek_json_reader(InputStream& input, std::uint32_t source) {
  return std::make_unique<ZeekJsonReader>(input, source);
}

}  // namespace tocsin::collect

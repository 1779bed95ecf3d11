// What clients and providers send to the server.
#include "accounts/id_token.h"
#include "accounts/json_web_keys.h"
#include "fuzz.h"
#include "http/request_reader.h"
#include "http/target.h"

namespace tocsin::fuzz {
namespace {

using serve::RequestReader;

void look_at(const serve::Fields& fields) {
  for (const auto& [name, value] : fields) look(name), look(value);
}

// The bytes of a connection; the first byte says in pieces of what size they come.
const Target kRequest("request", [](Bytes bytes) {
  Pieces pieces(bytes);
  const std::size_t step = pieces.number() % 64 + 1U;
  RequestReader reader(4096, 1 << 16, 256);
  std::size_t stuck = 0;
  while (stuck < 2) {
    const Bytes some = pieces.take(step);
    reader.take(text_of(some));
    stuck = some.empty() ? stuck + 1 : 0;
    switch (reader.stage()) {
      case RequestReader::Stage::kLongBody:
        look(reader.header().path);
        reader.allow(step % 2 == 0);
        stuck = 0;
        break;
      case RequestReader::Stage::kComplete: {
        const serve::Request request = reader.request();
        look(request.path), look(request.body);
        look_at(request.query), look_at(request.headers);
        if (const auto cookie = request.cookie("tocsin")) look(*cookie);
        reader.next();
        stuck = 0;
        break;
      }
      case RequestReader::Stage::kRefused:
        look(reader.detail());
        (void)reader.refusal();
        return;
      default:
        (void)reader.wants_continue();
    }
  }
});
const Target kTarget("target", [](Bytes bytes) {
  const std::string text = text_of(bytes);
  for (const char* host : {"", "example.org"}) {
    if (const auto read = serve::parse_target(text, host)) look(read->path), look_at(read->query);
  }
  if (const auto read = serve::parse_query(text)) look_at(*read);
  (void)serve::is_host(text);
});
// Keys, a line of "---", and a token.
const Target kToken("token", [](Bytes bytes) {
  Pieces pieces(bytes);
  const auto keys = serve::JsonWebKeys::parse(pieces.section());
  if (!keys) return;
  if (const auto claims = serve::check_id_token(text_of(pieces.rest()), *keys, {"https://a.example", "b", "c", 0})) {
    look(*claims);
  }
});

}  // namespace
}  // namespace tocsin::fuzz

// Lines of an access log read, and requests judged by the detectors of web attacks and web shells.
#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "collect/reader.h"
#include "detect/detector.h"

namespace tocsin {
namespace {

constexpr int kLines = 200'000;

// Visitors of sites made of pages and assets, as servers log them; nobody attacks.
const std::string& log_of_visits() {
  static const std::string log = [] {
    std::mt19937 random(1);
    const char* const paths[] = {"/",
                                 "/index.php?id=%d&lang=en",
                                 "/news/2024/01/council-meets-%d.html",
                                 "/assets/css/site.min.css?v=%d",
                                 "/images/photo_%d.jpg",
                                 "/search?q=town+hall+%d",
                                 "/api/v2/items/%d",
                                 "/login.php?next=%%2Fhome%%3Ftab%%3D%d"};
    const char* const agents[] = {
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 "
        "Safari/537.36",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 Version/17.2 Mobile/15E148",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"};
    std::string text;
    char path[128], line[1024];
    for (int i = 0; i < kLines; ++i) {
      const auto at = random() % std::size(paths);
      std::snprintf(path, sizeof path, paths[at], static_cast<int>(random() % 5000));
      std::snprintf(line, sizeof line,
                    "www.site%d.example:443 20.%d.%d.%d - - [10/Oct/2023:%02d:%02d:%02d +0200] \"GET %s HTTP/1.1\" 200 "
                    "%d \"https://www.site%d.example/\" \"%s\"\n",
                    static_cast<int>(random() % 40), static_cast<int>(random() % 4), static_cast<int>(random() % 100),
                    static_cast<int>(random() % 100), i * 24 / kLines, i / 60 % 60, i % 60, path,
                    static_cast<int>(random() % 90'000), static_cast<int>(random() % 40),
                    agents[random() % std::size(agents)]);
      text += line;
    }
    return text;
  }();
  return log;
}

void access_log_lines(benchmark::State& state) {
  std::size_t lines = 0;
  for (auto _ : state) {
    const auto input = InputStream::of_bytes(log_of_visits());
    const auto reader = make_observation_reader(Format::kAccessLog, *input, 0);
    Batch batch;
    do {
      lines += batch.http.size();
      batch.clear();
    } while (reader->read(batch));
    lines += batch.http.size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(lines));
}

struct Counted final : SightingSink {
  void sight(Sighting&&) override { ++count; }
  std::size_t count = 0;
};

void judge(benchmark::State& state, Expected<std::unique_ptr<Detector>> detector) {
  if (!detector) return state.SkipWithError(detector.error().message.c_str());
  const auto input = InputStream::of_bytes(log_of_visits());
  const auto reader = make_observation_reader(Format::kAccessLog, *input, 0);
  Batch batch;
  while (reader->read(batch)) {
  }
  Counted sink;
  for (auto _ : state) (*detector)->observe(batch, sink);
  (*detector)->finish(sink);
  state.counters["sighted"] = static_cast<double>(sink.count);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * batch.http.size()));
}

void benign_requests_for_attacks(benchmark::State& state) {
  judge(state, make_web_attack_detector(TOCSIN_SOURCE_DIR "/rules/web-attacks.toml"));
}
void benign_requests_for_shells(benchmark::State& state) {
  judge(state, make_web_shell_detector(TOCSIN_SOURCE_DIR "/rules/web-shells.toml"));
}

BENCHMARK(access_log_lines)->Unit(benchmark::kMillisecond);
BENCHMARK(benign_requests_for_attacks)->Unit(benchmark::kMillisecond);
BENCHMARK(benign_requests_for_shells)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace tocsin

BENCHMARK_MAIN();

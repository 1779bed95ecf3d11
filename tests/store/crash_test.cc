// What a crash, a full disk or a forger does to a store.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <set>

#include "store_fixture.h"

namespace {

// The step of a commit, of those that reach the disk, before which this process dies; 0: it lives. Steps are counted
// over the store, SQLite and whatever else calls these functions here.
int steps_to_live = 0;

void step() {
  if (steps_to_live > 0 && --steps_to_live == 0) ::kill(::getpid(), SIGKILL);
}

}  // namespace

// In the place of the C library's.
extern "C" int fsync(int file) {
  step();
  const int done = static_cast<int>(::syscall(SYS_fsync, file));
  step();
  return done;
}
extern "C" int fdatasync(int file) {
  step();
  const int done = static_cast<int>(::syscall(SYS_fdatasync, file));
  step();
  return done;
}
extern "C" int rename(const char* from, const char* to) noexcept {
  step();
  return static_cast<int>(::syscall(SYS_rename, from, to));
}
extern "C" int unlink(const char* path) noexcept {
  step();
  return static_cast<int>(::syscall(SYS_unlink, path));
}

namespace tocsin {
namespace {

using testing::HasSubstr;

class CrashTest : public StoreTest {
 protected:
  // Source `number` of a round has this many rows, on two days.
  static std::uint32_t rows_of(int round, int number) { return static_cast<std::uint32_t>(2 + (round + number) % 5); }
  static std::string id_of_source(int round, int number) { return fmt::format("{:08}{:08}", round, number); }
  // Every fourth source replaces the one before it.
  static bool replaces(int number) { return number % 4 == 3; }

  // Commits without end, telling each commit through the pipe when it has returned.
  [[noreturn]] static void write_without_end(const std::string& directory, int round, int pipe) {
    auto store = SightingStore::open(directory);
    if (!store) ::_exit(1);
    auto run = (*store)->begin();
    if (!run) ::_exit(2);
    const int begun = -1;
    if (::write(pipe, &begun, sizeof begun) != sizeof begun) ::_exit(5);
    for (int number = 0;; ++number) {
      const std::string id = id_of_source(round, number);
      for (std::uint32_t i = 0; i < rows_of(round, number); ++i) {
        if (!(*run)->append(sighting_of(i, kTime + (i % 2) * kDay), id, "x")) ::_exit(3);
      }
      std::vector<std::string> replaced;
      if (replaces(number)) replaced.push_back(id_of_source(round, number - 1));
      if (!(*run)->commit({source_of(id)}, replaced)) ::_exit(4);
      if (::write(pipe, &number, sizeof number) != sizeof number) ::_exit(5);
      if (number % 3 == 2 && !(*run)->compact()) ::_exit(6);
    }
  }

  // Lets a child write and kills it. Gives the number of commits that it told of.
  int killed_round(int round, std::mt19937& random) {
    int ends[2];
    if (::pipe(ends) != 0) return -1;
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      write_without_end(directory(), round, ends[1]);
    }
    ::close(ends[1]);
    int told = 0;
    int number = 0;
    const auto hear = [&] {
      if (::read(ends[0], &number, sizeof number) != sizeof number) return false;
      if (number >= 0) ++told;
      return true;
    };
    // The time runs from the start, from when the writer has begun, from its first commit or from its third, so that
    // starts, commits and compactions are all hit.
    constexpr int kHeard[] = {0, 1, 2, 4};
    for (int i = 0; i < kHeard[round % 4] && hear(); ++i) {
    }
    ::usleep(static_cast<useconds_t>(std::uniform_int_distribution(0, 40'000)(random)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself with " << WEXITSTATUS(status);
    while (hear()) {
    }
    ::close(ends[0]);
    return told;
  }
};

TEST_F(CrashTest, KillingTheWriterLosesAndDoublesNothing) {
  constexpr int kKills = 220;
  std::mt19937 random(20130131);
  std::vector<int> told(kKills);
  int commits = 0;
  int behind = 0;
  for (int round = 0; round < kKills && !HasFailure(); ++round) {
    told[static_cast<std::size_t>(round)] = killed_round(round, random);
    commits += told[static_cast<std::size_t>(round)];
    expect_sound();  // before any repair
    const auto sources = store_->sources();
    ASSERT_TRUE(sources) << sources.error().message;
    std::map<std::string, int> live;
    for (const SourceRecord& source : *sources) ++live[source.id];
    for (const auto& [id, times] : live) EXPECT_EQ(times, 1) << id;
    std::size_t expected = 0;
    int number = 0;
    for (; number < told[static_cast<std::size_t>(round)]; ++number) {
      const bool is_replaced = replaces(number + 1) && live.contains(id_of_source(round, number + 1));
      EXPECT_EQ(live.contains(id_of_source(round, number)), !is_replaced) << round << " " << number;
      if (!is_replaced) ++expected;
    }
    // The one that was committed but not told of any more, and none beyond.
    if (live.contains(id_of_source(round, number))) ++behind;
    EXPECT_FALSE(live.contains(id_of_source(round, number + 1)));
    if (round % 20 != 19 && round != kKills - 1) continue;
    std::map<std::string, std::uint32_t> rows;
    for (const auto& row : query("source, count(*), sum(count)", "GROUP BY source").rows) {
      const auto id = std::get<std::string>(row[0]);
      const std::uint32_t wanted = rows_of(std::stoi(id.substr(0, 8)), std::stoi(id.substr(8)));
      EXPECT_EQ(row[1], Cell(std::int64_t{wanted})) << id;
      EXPECT_EQ(row[2], Cell(std::int64_t{wanted * (wanted + 1) / 2})) << id;
      rows[id] = wanted;
    }
    EXPECT_EQ(rows.size(), live.size());
    for (const auto& [id, times] : live) EXPECT_TRUE(rows.contains(id)) << id;
  }
  auto run = begun();
  ASSERT_TRUE(run);
  commit(*run, "last", 3);
  run.reset();
  for (const auto& entry : std::filesystem::directory_iterator(directory() + "/segments")) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".tmp-")) << entry.path();
  }
  expect_sound();
  EXPECT_GT(commits, kKills / 4) << "too few to say anything";
  RecordProperty("commits", commits);
  std::cout << kKills << " kills, " << commits << " commits told of, " << behind << " committed but not told of\n";
}

// Not at random instants but before and after each sync and each rename of: a start, a commit, one that replaces
// rows, and a compaction.
TEST_F(CrashTest, DyingAtAnyStepLosesAndDoublesNothing) {
  auto run = begun();
  for (int i = 0; i < 10; ++i) commit(*run, fmt::format("old{}", i), 2);
  commit(*run, "newer", 3, kTime + kDay);
  run.reset();
  const auto before = scratch_.path() / "before";
  std::filesystem::copy(directory(), before, std::filesystem::copy_options::recursive);
  std::set<std::int64_t> seen;
  std::set<std::size_t> lengths;
  int step = 0;
  for (bool is_done = false; !is_done && step < 1000;) {
    ++step;
    std::filesystem::remove_all(directory());
    std::filesystem::copy(before, directory(), std::filesystem::copy_options::recursive);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      auto store = SightingStore::open(directory());
      steps_to_live = step;
      auto writer = (*store)->begin();
      if (!writer) ::_exit(1);
      int told = 0;
      commit(**writer, "a", 10, kTime + kDay);
      if (::write(ends[1], &++told, sizeof told) < 0) ::_exit(2);
      commit(**writer, "b", 100, kTime + kDay, {"a", "old3"});
      if (::write(ends[1], &++told, sizeof told) < 0) ::_exit(2);
      if (!(*writer)->compact()) ::_exit(3);
      ::_exit(HasFailure() ? 4 : 0);
    }
    ::close(ends[1]);
    int told = 0;
    int number = 0;
    while (::read(ends[0], &number, sizeof number) == sizeof number) told = number;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    is_done = WIFEXITED(status);
    if (is_done) {
      ASSERT_EQ(WEXITSTATUS(status), 0);
    }
    store_ = std::move(*SightingStore::open(directory()));
    const auto check = [&] {
      expect_sound();
      const auto rows = rows_at();
      constexpr std::int64_t kExpected[] = {23, 33, 23 + 100 - 2};
      EXPECT_TRUE(rows == kExpected[told] || (told < 2 && rows == kExpected[told + 1])) << rows << " after " << told;
      EXPECT_EQ(rows_at(11), 23);
      seen.insert(rows);
      lengths.insert(store_->head()->sequence);
    };
    check();
    ASSERT_NE(begun(), nullptr);
    check();
    if (HasFailure()) FAIL() << "at step " << step;
  }
  EXPECT_GT(step, 30);
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(lengths, (std::set<std::size_t>{11, 12, 13, 14}));
  std::cout << step - 1 << " steps\n";
}

TEST_F(CrashTest, AnUnfinishedLineIsCutAndAMissingHeadIsBroughtUp) {
  commit(*begun(), "a", 3);
  const auto ledger = directory() + "/ledger.jsonl";
  const std::string one = bytes_of(ledger);
  const std::string state = bytes_of(directory() + "/state.db");
  commit(*begun(), "b", 4);
  const std::string two = bytes_of(ledger);
  // As a crash leaves it: the head is that of the line before, the line is cut at any byte.
  for (std::size_t size = one.size(); size <= two.size(); size += size + 5 < two.size() ? 5 : 1) {
    std::filesystem::remove(directory() + "/state.db-wal");
    std::filesystem::remove(directory() + "/state.db-shm");
    write_bytes(directory() + "/state.db", state);
    write_bytes(ledger, two.substr(0, size));
    EXPECT_EQ(store_->head()->sequence, size == two.size() ? 2U : 1U);
    expect_sound();
  }
  // Now whole: the next writer brings the head up.
  ASSERT_NE(begun(), nullptr);
  EXPECT_EQ(bytes_of(ledger), two);
  EXPECT_EQ(rows_at(), 7);
  expect_sound();
  write_bytes(ledger, two + "{\"sequence\":3,");
  EXPECT_EQ(rows_at(), 7);
  commit(*begun(), "c", 1);
  EXPECT_EQ(bytes_of(ledger).substr(0, two.size()), two);
  EXPECT_EQ(rows_at(), 8);
  expect_sound();
}

TEST_F(CrashTest, EveryChangedByteOfASegmentIsFound) {
  auto run = begun();
  commit(*run, "a", 3000);
  commit(*run, "b", 10, kTime + kDay);
  commit(*run, "c", 10, kTime, {"b"});  // a retired segment counts as well
  run.reset();
  for (const std::uint64_t sequence : {1U, 2U}) {
    const std::string path = store_->segments(sequence)->back().path;
    const std::string whole = bytes_of(path);
    for (std::size_t at = 0; at < whole.size(); at += 97) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ 1);
      write_bytes(path, changed);
      const auto found = findings();
      ASSERT_EQ(found.size(), 1U) << at;
      EXPECT_TRUE(path.ends_with(found[0].where));
    }
    write_bytes(path, whole.substr(0, whole.size() - 1));
    EXPECT_EQ(findings().size(), 1U);
    std::filesystem::remove(path);
    EXPECT_EQ(findings().size(), 1U);
    write_bytes(path, whole);
    expect_sound();
  }
}

TEST_F(CrashTest, EveryChangedByteOfTheLedgerIsFound) {
  auto run = begun();
  commit(*run, "a", 10);
  commit(*run, "b", 10);
  run.reset();
  const auto ledger = directory() + "/ledger.jsonl";
  const std::string whole = bytes_of(ledger);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char flip : {'\x01', '\x20'}) {  // another byte; another case
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ flip);
      write_bytes(ledger, changed);
      ASSERT_FALSE(findings().empty()) << at;
      auto fresh = SightingStore::open(directory());
      ASSERT_TRUE(fresh);
      if (at % 7 == 0) {
        ASSERT_FALSE((*fresh)->begin()) << at;
      }
    }
  }
  write_bytes(ledger, whole);
  expect_sound();
}

TEST_F(CrashTest, ALedgerCutShortIsFoundAndNotWrittenTo) {
  auto run = begun();
  commit(*run, "a", 10);
  commit(*run, "b", 10);
  run.reset();
  const auto ledger = directory() + "/ledger.jsonl";
  const std::string whole = bytes_of(ledger);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write_bytes(ledger, whole.substr(0, size));
    const auto found = findings();
    ASSERT_FALSE(found.empty()) << size;
    EXPECT_THAT(found[0].what, HasSubstr("cut short"));
    if (size % 7 != 0) continue;
    const auto begun = store_->begin();
    ASSERT_FALSE(begun) << size;
    EXPECT_THAT(begun.error().message, HasSubstr("cut short"));
  }
  write_bytes(ledger, whole + whole);
  EXPECT_FALSE(findings().empty());
  write_bytes(ledger, whole);
  expect_sound();
  EXPECT_EQ(rows_at(), 20);
}

// Commits until the disk is full; gives the sentence, and how many commits there were.
Error fill_disk(SightingStore& store, int& commits, int round, std::uint32_t rows, std::size_t example) {
  auto run = store.begin();
  if (!run) return run.error();
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    const std::string source = fmt::format("{:08}{:08}", round, i);
    for (std::uint32_t n = 0; n < rows; ++n) {
      Sighting sighting = sighting_of(n, 1'359'590'400 * kSecond);
      sighting.matched = fmt::format("{:x}{:x}", random(), random());
      if (auto appended = (*run)->append(sighting, source, "x"); !appended) return appended.error();
    }
    SourceRecord record = source_of(source);
    record.examples.emplace_back(example, 'e');
    if (auto report = (*run)->commit({record}, {}); !report) {
      // It stays refused, and leaves nothing behind.
      EXPECT_FALSE((*run)->append(sighting_of(0, 0), source, "x"));
      return report.error();
    }
    ++commits;
  }
  return {"the disk never filled"};
}

TEST_F(CrashTest, AFullDiskIsAClearErrorWithTheStoreIntact) {
  const std::string disk = (scratch_.path() / "disk").string();
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=3m") != 0) GTEST_SKIP() << "no right to mount a small disk";
  const struct Unmount {
    std::string path;
    ~Unmount() { ::umount2(path.c_str(), MNT_DETACH); }
  } unmount{disk};
  ASSERT_TRUE(SightingStore::create(disk + "/store"));
  store_ = std::move(*SightingStore::open(disk + "/store"));
  int commits = 0;
  const Error error = fill_disk(*store_, commits, 0, 5000, 0);
  EXPECT_THAT(error.message, HasSubstr("the disk is full"));
  EXPECT_GT(commits, 0);
  EXPECT_EQ(rows_at(), commits * 5000);
  expect_sound();
  ASSERT_EQ(::mount("tmpfs", disk.c_str(), "tmpfs", MS_REMOUNT, "size=30m"), 0);
  auto run = store_->begin();
  ASSERT_TRUE(run) << run.error().message;
  commit(**run, "after", 10);
  EXPECT_EQ(rows_at(), commits * 5000 + 10);
  expect_sound();
}

TEST_F(CrashTest, AFileThatMayNotGrowIsAClearErrorWithTheStoreIntact) {
  // What hits the limit: SQLite's files, a segment, the ledger.
  struct Case {
    rlim_t limit;
    std::uint32_t rows;
    std::size_t example;
  };
  int round = 0;
  for (const auto& [limit, rows, example] :
       {Case{8'000, 5000, 0}, Case{60'000, 5000, 0}, Case{60'000, 50, 20'000}, Case{60'000, 50, 0}}) {
    ++round;
    const pid_t child = ::fork();
    if (child == 0) {
      ::signal(SIGXFSZ, SIG_IGN);
      const rlimit limits{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &limits);
      int commits = 0;
      const Error error = fill_disk(*store_, commits, round, rows, example);
      if (error.message.find("the disk is full") == std::string::npos) {
        std::cerr << error.message << "\n";
        ::_exit(1);
      }
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    expect_sound();
    EXPECT_EQ(rows_at() % 50, 0);
  }
  commit(*begun(), "after", 10);
  EXPECT_EQ(rows_at() % 50, 10);
  expect_sound();
}

}  // namespace
}  // namespace tocsin

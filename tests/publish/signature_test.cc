#include "publish/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "base/base64.h"
#include "publish/pdf.h"
#include "sample.h"

namespace tocsin {
namespace {
namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Signature : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::temp_directory_path() / ("tocsin-signature-" + std::to_string(::getpid()));
    fs::remove_all(directory_);
    fs::create_directories(directory_ / "store");
    fs::create_directories(directory_ / "out");
    write("out/brief.json", to_json(brief_));
    write("out/brief.md", to_markdown(brief_, Language::kEnglish));
    write("out/brief.sig.json", signed_files({"brief.md", "brief.json"}));
  }
  void TearDown() override { fs::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(directory_ / name, std::ios::binary) << text;
  }
  std::string read(const std::string& name) {
    std::ifstream file(directory_ / name, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }
  SigningKey key() { return SigningKey::in(directory_ / "store").value(); }
  std::string signed_files(const std::vector<std::string>& names) {
    return sign_files(key(), directory_ / "out", names, brief_.ledger).value();
  }
  SignatureCheck check(const std::optional<PublicKey>& known) {
    return check_signature(directory_ / "out/brief.json", known).value();
  }

  fs::path directory_;
  Brief brief_ = sample::small();
};

TEST_F(Signature, OfUnchangedFilesIsGood) {
  const SignatureCheck found = check(key().public_key());
  EXPECT_THAT(found.wrong, IsEmpty());
  EXPECT_THAT(found.missing, IsEmpty());
  EXPECT_EQ(found.public_key, key().public_key());
}

TEST_F(Signature, AChangedByteOfAnyFileIsFound) {
  for (const char* name : {"brief.json", "brief.md"}) {
    const std::string text = read(std::string("out/") + name);
    std::string changed = text;
    changed[changed.size() / 2] = static_cast<char>(changed[changed.size() / 2] ^ 1);
    write(std::string("out/") + name, changed);
    EXPECT_THAT(check(std::nullopt).wrong,
                testing::Contains(std::string(name) + " has been changed since it was signed"));
    write(std::string("out/") + name, text);
  }
  EXPECT_THAT(check(std::nullopt).wrong, IsEmpty());
}

TEST_F(Signature, EveryChangedByteAndCutOfItselfIsFoundOrChangesNothingSigned) {
  const std::string text = read("out/brief.sig.json");
  const auto same = parse_signature(text).value();
  const std::string message = signed_text(same.files, same.ledger);
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    write("out/brief.sig.json", changed);
    const auto found = check_signature(directory_ / "out/brief.json", key().public_key());
    if (!found || !found->wrong.empty()) continue;
    const auto parsed = parse_signature(changed).value();  // white space
    EXPECT_EQ(signed_text(parsed.files, parsed.ledger), message) << at;
    EXPECT_EQ(parsed.signature, same.signature) << at;
  }
  for (std::size_t cut = 0; cut + 1 < text.size(); ++cut) EXPECT_FALSE(parse_signature(text.substr(0, cut)));
  std::mt19937 random(7);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = text;
    for (int i = 0; i < 4; ++i) damaged[random() % damaged.size()] = static_cast<char>(random() % 256);
    (void)parse_signature(damaged);  // must not crash
  }
}

TEST_F(Signature, ByAnotherKeyIsFound) {
  fs::create_directories(directory_ / "other");
  const PublicKey other = SigningKey::in(directory_ / "other").value().public_key();
  EXPECT_NE(other, key().public_key());
  EXPECT_THAT(check(other).wrong, ElementsAre(HasSubstr("signed with the key " + base64(key().public_key()))));
}

TEST_F(Signature, OfOtherFilesOrAnotherLedgerLineIsFound) {
  write("out/brief.sig.json", signed_files({"brief.md"}));
  EXPECT_THAT(check(std::nullopt).wrong, ElementsAre("brief.json is not among the files signed"));
  brief_.ledger.sequence = 9;
  write("out/brief.sig.json", signed_files({"brief.md", "brief.json"}));
  EXPECT_THAT(check(std::nullopt).wrong, ElementsAre("the signature is of another ledger line than the brief"));
}

TEST_F(Signature, AFileThatIsNotThereIsNamedButNotWrong) {
  fs::remove(directory_ / "out/brief.md");
  const SignatureCheck found = check(std::nullopt);
  EXPECT_THAT(found.wrong, IsEmpty());
  EXPECT_THAT(found.missing, ElementsAre("brief.md"));
}

TEST_F(Signature, NamesThatLeadOutOfTheDirectoryAreRefused) {
  for (const char* name : {"../brief.md", "/etc/passwd", "..", "a b", "a\\nfile x"}) {
    std::string text = read("out/brief.sig.json");
    text.replace(text.find("brief.md"), 8, name);
    EXPECT_FALSE(parse_signature(text)) << name;
  }
}

TEST_F(Signature, TheKeyIsMadeOnceAndForItsOwnerAlone) {
  const PublicKey first = key().public_key();
  EXPECT_EQ(key().public_key(), first);
  struct stat found {};
  ASSERT_EQ(::stat((directory_ / "store/signing.key").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777, 0600U);
  EXPECT_EQ(public_key_in(directory_ / "store").value(), first);
  EXPECT_EQ(public_key_in(directory_ / "out").value(), std::nullopt);
  EXPECT_EQ(public_key_from(base64(first)).value(), first);
  EXPECT_EQ(public_key_from((directory_ / "store/signing.pub").string()).value(), first);
  EXPECT_THAT(read("store/signing.pub"), testing::StartsWith("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"));
}

TEST_F(Signature, AKeyThatIsReadableForOthersOrDamagedIsRefused) {
  const fs::path path = directory_ / "store/signing.key";
  ::chmod(path.c_str(), 0644);
  EXPECT_THAT(SigningKey::in(directory_ / "store").error().message, HasSubstr("chmod 600"));
  ::chmod(path.c_str(), 0600);
  const std::string text = read("store/signing.key");
  for (std::size_t cut = 0; cut < 64; ++cut) {
    write("store/signing.key", text.substr(0, cut));
    EXPECT_FALSE(SigningKey::in(directory_ / "store")) << cut;
  }
  write("store/signing.key", text + text);
  EXPECT_FALSE(SigningKey::in(directory_ / "store"));
  write("store/signing.key", std::string(64, 'x'));
  EXPECT_FALSE(SigningKey::in(directory_ / "store"));
}

TEST(PublicKeys, AreReadAsBase64OrPemAndNothingElse) {
  // The public key of RFC 8410 section 10.1.
  const char* pem =
      "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC "
      "KEY-----\n";
  EXPECT_EQ(base64(parse_public_key(pem).value()), "Gb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
  for (const char* wrong : {"", "AAAA", "not base64", "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----",
                            "-----BEGIN PUBLIC KEY-----\nGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC "
                            "KEY-----"}) {
    EXPECT_FALSE(parse_public_key(wrong)) << wrong;
  }
}

TEST(Pdf, TheRemedyIsNamedWhereWeasyPrintIsMissing) {
  const std::string path = ::getenv("PATH") ? ::getenv("PATH") : "";
  ::setenv("PATH", "/nowhere", 1);
  const fs::path out = fs::temp_directory_path() / ("tocsin-" + std::to_string(::getpid()) + ".pdf");
  const auto made = write_pdf("<p>x</p>", out);
  ::setenv("PATH", path.c_str(), 1);
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("apt-get install weasyprint"));
  EXPECT_FALSE(fs::exists(out));
}

TEST(Pdf, IsMadeOfAPage) {
  if (std::system("weasyprint --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "weasyprint is not installed";
  const fs::path out = fs::temp_directory_path() / ("tocsin-" + std::to_string(::getpid()) + ".pdf");
  ASSERT_TRUE(write_pdf(to_html(sample::small(), "", Language::kEnglish, Medium::kPaper), out));
  std::ifstream file(out, std::ios::binary);
  std::string head(5, '\0');
  file.read(head.data(), 5);
  EXPECT_EQ(head, "%PDF-");
  fs::remove(out);
  EXPECT_THAT(write_pdf("<p>x</p>", "/nowhere/x.pdf").error().message, HasSubstr("could not be written"));
}

}  // namespace
}  // namespace tocsin

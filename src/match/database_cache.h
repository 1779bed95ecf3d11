// Databases of contents on disk, by the hash of what they were compiled of: compiling tens of thousands takes seconds,
// reading them back does not.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

struct hs_database;

namespace tocsin::match {

class DatabaseCache {
 public:
  // An empty directory: nothing is kept. One that others may write to is not used, since a database is as good as code.
  explicit DatabaseCache(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // key: hexadecimal. Null: there is none, or it is damaged, or of another version or machine. Whoever asks frees it.
  hs_database* find(const std::string& key) const;
  // What can't be kept is compiled again the next time.
  void keep(const std::string& key, const hs_database* database) const;

 private:
  bool is_ours() const;
  std::filesystem::path directory_;
};

}  // namespace tocsin::match

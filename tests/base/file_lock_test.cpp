#include "base/file_lock.h"

#include "base/files.h"
#include "tests/catch.h"
#include "tests/folder.h"

using namespace mr;

TEST_CASE("a lock holds others off until it is given back", "[file_lock]") {
  const test::Folder folder;
  {
    const FileLock first(folder / "lock");
    CHECK(first.held());
    CHECK_FALSE(FileLock(folder / "lock").held());
  }
  CHECK(FileLock(folder / "lock").held());
}

TEST_CASE("a lock's file is removed by its holder alone", "[file_lock]") {
  const test::Folder folder;
  const FileLock first(folder / "lock"), second(folder / "lock");
  second.remove_file();
  CHECK(is_there(folder / "lock"));
  first.remove_file();
  CHECK_FALSE(is_there(folder / "lock"));
  const FileLock third(folder / "lock");  // of a file of its own, which counts from now on
  CHECK(third.held());
  CHECK_FALSE(FileLock(folder / "lock").held());
}

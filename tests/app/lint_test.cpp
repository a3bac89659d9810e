// What dataset lint takes of a machine, measured from outside.
#include <sys/resource.h>

#include <random>

#include "base/json_text.h"
#include "tests/app/program.h"

using namespace mr;

namespace {

struct Used {
  int status = 0;
  double seconds = 0, mib = 0;  // of work by all threads; resident memory at most
};

Used run_alone(const std::string& arguments) {
  const pid_t child = fork();
  if (child == 0) {
    execl("/bin/sh", "sh", "-c", ("exec " MRCNN_PROGRAM " " + arguments).c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  rusage used{};
  REQUIRE(wait4(child, &status, 0, &used) == child);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec); };
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128, seconds(used.ru_utime) + seconds(used.ru_stime),
          static_cast<double>(used.ru_maxrss) / 1024};
}

// A file of one image of 13,000 × 13,000, and so many polygons of so many points all over it.
std::string tangles(int objects, size_t points) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> place(0, 13000);
  JsonWriter j;
  j.object().key("images").array().object().field("id", 1).field("width", 13000).field("height", 13000);
  j.field("file_name", "a.png").end().end();
  j.key("categories").array().object().field("id", 1).field("name", "tangle").end().end().key("annotations").array();
  for (int id = 1; id <= objects; ++id) {
    std::vector<double> xy(2 * points);
    for (double& v : xy) v = std::round(place(random) * 100) / 100;
    j.object().field("id", id).field("image_id", 1).field("category_id", 1).field("area", 84500000).field("iscrowd", 0);
    j.key("bbox").list(std::vector{0, 0, 13000, 13000}).key("segmentation").array().list(xy).end().end();
  }
  std::string path = folder() + "/tangles.json";
  write_text_file(path, j.end().end().take());
  return path;
}

}  // namespace

TEST_CASE("lint: one polygon of 20,000 points all over an image of 13,000 x 13,000", "[app]") {
  const std::string path = tangles(1, 20'000);
  const Used used = run_alone("dataset lint --annotations " + path + " > " + path + ".txt");
  INFO(used.seconds << " s, " << used.mib << " MiB");
  CHECK(used.status == 0);
  CHECK(used.seconds < 20);  // a few, on a processor of today
  CHECK(used.mib < 1000);
  CHECK_THAT(read_text_file(path + ".txt"), Catch::Matchers::Contains("in 1 image with 1 annotation\n"));
}

TEST_CASE("lint: many large masks of one image are not held together", "[app]") {
  const std::string path = tangles(60, 600);
  const Used used = run_alone("dataset lint --annotations " + path + " > " + path + ".txt");
  INFO(used.seconds << " s, " << used.mib << " MiB");
  CHECK(used.status == 0);
  CHECK(used.mib < 400);
  CHECK_THAT(read_text_file(path + ".txt"), Catch::Matchers::Contains("in 1 image with 60 annotations\n"));
}

TEST_CASE("lint: memory does not grow with what is found", "[app]") {
  // Every annotation has a problem: its area.
  const auto lint = [](int annotations) {
    JsonWriter j;
    j.object().key("images").array();
    for (int i = 0; i < annotations / 10; ++i)
      j.object().field("id", i).field("width", 640).field("height", 480).field("file_name", std::to_string(i) + ".jpg").end();
    j.end().key("categories").array().object().field("id", 1).field("name", "box").end().end().key("annotations").array();
    for (int i = 0; i < annotations; ++i) {
      const int x = 60 * (i % 10), y = 40;
      j.object().field("id", i + 1).field("image_id", i / 10).field("category_id", 1).field("area", 1).field("iscrowd", 0);
      j.key("bbox").list(std::vector{x, y, 50, 300}).key("segmentation").array();
      j.list(std::vector{x, y, x + 50, y, x + 50, y + 300, x, y + 300}).end().end();
    }
    const std::string path = folder() + "/many.json";
    write_text_file(path, j.end().end().text());
    return run_alone("dataset lint --annotations " + path + " > " + folder() + "/many.txt");
  };
  const Used few = lint(1000), many = lint(60'000);
  INFO(few.mib << " MiB, " << many.mib << " MiB, " << many.seconds << " s");
  CHECK(many.status == 0);
  CHECK_THAT(read_text_file(folder() + "/many.txt"), Catch::Matchers::Contains("0 errors, 60000 warnings in 6000 images"));
  CHECK(many.mib - few.mib < 60);  // the file and its numbers take 30
}

// What mrcnn explain says, against the published numbers of its worked examples.
#include <sstream>
#include <utility>

#include "tests/app/explain.h"

using namespace mr;
using nlohmann::json;

TEST_CASE("explain dog: 20, 22, 21 and 20.78 cells", "[explain]") {
  const json page = explained("dog");
  const json cut = row(page, "RoIPool, everything rounded down"), pool = row(page, "RoIPool"),
             warp = row(page, "RoIWarp, as Table 2c needs it"), align = row(page, "RoIAlign");
  CHECK(cut[2] == 14);  // 7 bins of 2 of the 20 cells
  CHECK(pool[2] == 22);
  CHECK(pool[6].get<std::string>().rfind("[0, 4) [3, 7) [6, 10)", 0) == 0);
  CHECK(warp[3] == 21);
  CHECK(warp[5] == 3);
  CHECK(align[2].get<double>() == Approx(20.78125));
  CHECK(align[5].get<double>() == Approx(2.96875));
  const json samples = page["tables"][1]["rows"];
  CHECK(samples[0][1].get<double>() == Approx(0.7422).margin(5e-5));
  CHECK(samples[0][2].get<double>() == Approx(2.2266).margin(5e-5));
  CHECK(samples[1][1].get<double>() == Approx(3.7109).margin(5e-5));
  CHECK(samples[6][2].get<double>() == Approx(20.0391).margin(5e-5));
}

TEST_CASE("explain roi-pool-8x8: all rows of the published table", "[explain]") {
  const std::vector<std::vector<double>> golden = {
      {0.85, 0.84, 0.97, 0.96},         {0.85, 0.96, 0.97, 0.96},         {0.85, 0.96, 0.97, 0.91},
      {0.5811, 0.8136, 0.5883, 0.5513}, {0.3663, 0.5501, 0.4598, 0.3752}, {0.7028, 0.6123, 0.7703, 0.7941},
      {0.4770, 0.4710, 0.4569, 0.4552}, {0.5669, 0.2394, 0.5106, 0.2850}, {0.4744, 0.4795, 0.4326, 0.4234},
      {0.3872, 0.4737, 0.3755, 0.3281}, {0.4483, 0.4712, 0.3838, 0.4146}, {0.85, 0.7175, 0.67, 0.65},
      {0.5227, 0.4811, 0.4283, 0.4170}};
  const json page = explained("roi-pool-8x8"), rows = page["tables"][1]["rows"];
  REQUIRE(rows.size() == golden.size());
  for (size_t i = 0; i < golden.size(); ++i)
    for (size_t k = 0; k < 4; ++k) {
      INFO(rows[i][0]);
      CHECK(rows[i][k + 1].get<double>() == Approx(golden[i][k]).margin(6e-5));
    }
}

TEST_CASE("explain anchors, bilinear, deconv, roi-align-grid", "[explain]") {
  const json anchors = explained("anchors");
  CHECK(anchors["tables"][0]["rows"][0][1].get<double>() == Approx(181.02).margin(0.005));
  CHECK(anchors["tables"][0]["rows"][0][2].get<double>() == Approx(90.51).margin(0.005));
  CHECK(anchors["tables"][0]["rows"][0][3] == 182);
  CHECK(row(anchors, "800 × 800")[6] == 159882);
  CHECK(row(anchors, "800 × 1344")[6] == 268569);

  double sum = 0;
  const json bilinear = explained("bilinear"), deconv = explained("deconv"), grid = explained("roi-align-grid");
  for (const json& r : bilinear["tables"][0]["rows"]) {
    sum += r[3].get<double>();
    CHECK(r[2] == r[4]);  // the gradient to a cell is its weight
  }
  CHECK(sum == 4);
  CHECK(deconv["tables"][0]["rows"][3] == json({3, 300.0, 3000.0, 400.0, 4000.0}));
  sum = 0;
  for (const json& r : grid["tables"][0]["rows"]) sum += r[2].get<double>();
  CHECK(sum == Approx(1));
}

TEST_CASE("explain: every RoI operator on the reader's own box", "[explain]") {
  for (const char* op : {"roi_align", "roi_pool", "roi_pool_disjoint", "roi_pool_truncated", "roi_warp", "roi_warp_mnc", "crop_and_resize",
                         "precise_roi_pool"}) {
    const std::string figure = folder() + "/" + op + ".svg", again = folder() + "/again.svg";
    const std::string arguments = std::string(op) + " --box 40,30,330,262 --stride 16 --size 3 --gradient --overwrite --figure ";
    const json page = explained(arguments + figure);
    explained(arguments + again);
    CHECK(read_text_file(figure).rfind("<svg ", 0) == 0);
    CHECK(read_text_file(figure) == read_text_file(again));
    CHECK(page["tables"][0]["rows"][0][3].get<double>() == Approx(2.5));  // 40 / 16
    CHECK(page["tables"][1]["rows"].size() == 3);
    INFO(op);
    CHECK(page["text"].dump().find("together they receive 9") != std::string::npos);  // nine bins, a gradient of 1 each
  }
  const json all = explained("roi_align --box 40,30,330,262 --stride 16 --size 3 --compare");
  CHECK(row(all, "RoIAlign")[3] == 0);
  CHECK(row(all, "RoIPool")[3].get<double>() == Approx(8));   // 2.5 cells are rounded to 3
  CHECK(row(all, "RoIPool")[4].get<double>() == Approx(22));  // 20.625 to 21, and that cell belongs to the box
}

TEST_CASE("explain: a box that leaves the picture is drawn whole, one that is far from it too", "[explain]") {
  const std::string picture = folder() + "/grey.pgm", figure = folder() + "/left.svg";
  write_text_file(picture, "P5\n64 32\n255\n" + std::string(64 * 32, 'x'));
  const json left = explained("roi_align --box=-100,-60,60,60 --size 4 --image " + picture + " --figure " + figure);
  CHECK(says(left, "The map has 2 × 4 cells, the picture's. The box leaves it"));
  CHECK(says(left, "Nothing is rounded"));
  CHECK(read_text_file(figure).find("x=\"-") == std::string::npos);  // nothing lies left of the drawing
  const json far = explained("roi_align --box 4000,3000,4400,3500 --size 2 --image " + picture + " --overwrite --figure " + figure);
  for (const json& r : table(far, "Values, from the picture's mean grey in each cell")) CHECK(r[1] == 0);
  // RoIPool on whole cells, and on others, along either axis.
  CHECK(says(explained("roi_pool_disjoint --box 0,0,112,112"), "Rounding changes nothing here"));
  CHECK(says(explained("roi_pool_disjoint --box 0,5,112,117"), "Along y the upper edge moves by -5 pixels"));
  // An operator's own reduction, where none is asked for.
  CHECK(says(explained("crop_and_resize --box 0,0,90,90"), "the largest counts"));
  CHECK(says(explained("crop_and_resize --box 0,0,90,90 --reduce mean"), "the mean of its samples"));
}

TEST_CASE("explain gradients: only the image's classes' masks receive any", "[explain]") {
  const std::string small =
      "--set model.backbone.width=32 --set model.backbone.fpn.channels=16 --set model.box.width=16 --set model.mask.width=16 --set "
      "data.scenes.height=96 --set data.scenes.width=160";
  const json page = explained("gradients --recipe scenes_small " + small + " --image 1");
  int with = 0, without = 0;
  for (const json& r : page["tables"][1]["rows"]) {
    INFO(r.dump());
    CHECK((r[1].get<int>() > 0) == (r[2].get<double>() > 0));
    (r[1].get<int>() > 0 ? with : without) += 1;
  }
  CHECK(with > 0);
  CHECK(without > 0);
  const json rpn = row(page, "rpn.head"), box = row(page, "roi_heads.box_head"), mask = row(page, "roi_heads.mask_head"),
             body = row(page, "backbone.body.layer4");
  CHECK(rpn[1] > 0);
  for (int k = 3; k <= 5; ++k) CHECK(rpn[static_cast<size_t>(k)] == 0);
  CHECK(box[1] == 0);
  CHECK(box[3] > 0);
  CHECK(mask[3] == 0);
  CHECK(mask[5] > 0);
  for (size_t k = 1; k <= 5; ++k) CHECK(body[k] > 0);
}

TEST_CASE("explain: without a topic all are listed, a topic has an example, its name may be written as elsewhere", "[explain]") {
  const Result list = mrcnn("explain");
  CHECK(list.status == 0);
  for (const char* topic : {"\n  dog ", "\n  roi_align ", "\n  losses "}) CHECK_THAT(list.out, Catch::Matchers::Contains(topic));

  const Result example = mrcnn("explain roi_align"), asked = mrcnn("explain roi_align --box 40,30,330,260");
  CHECK(example.status == 0);
  CHECK_THAT(example.out, Catch::Matchers::Contains("An example's box, 40,30,330,260"));
  CHECK_THAT(asked.out, !Catch::Matchers::Contains("An example's box"));
  const auto values = [](const std::string& text) { return text.substr(text.find("Values")); };
  CHECK(values(example.out) == values(asked.out));

  for (const char* name : {"RoIAlign", "roi-align", "ROIALIGN"}) CHECK(mrcnn(std::string("explain ") + name).out == example.out);
}

TEST_CASE("explain: mistakes are one line", "[explain]") {
  check_error("explain dig", "there is no topic dig; the nearest is dog");
  check_error("explain roi_align --box 1,2,3", "--box: expected four numbers x0,y0,x1,y1, in pixels, got 3");
  check_error("explain roi_align --box 9,9,5,5", "--box x0,y0,x1,y1: expected x0 <= x1 and y0 <= y1, got 9,9,5,5");
  check_error("explain roi_align --stride 0", "--stride must be 1");
  check_error("explain roi_align --box 0,0,9,9 --stride 0", "--stride must be 1");
  check_error("explain roi_align --box 0,0,9,9 --size 100", "--size must be 1");
  check_error("explain roi_align --box 0,0,9,9 --image /nowhere.png", "/nowhere.png");
  check_error("explain nms --threshold 1.5", "--threshold must be 0 … 1, got 1.5");
  check_error("explain box-coder --box 1,2,3", "--box: expected four numbers");
  check_error("explain box-coder --box 9,9,9,20", "must have a width and a height above 0");
  check_error("explain rpn", "a trained model and a picture are needed");
  check_error("explain dog --figure " + folder() + "/dog.png", "--figure: expected a name ending in .svg, got ");
  CHECK_FALSE(std::filesystem::exists(folder() + "/dog.png"));
  // What would fill the memory, or the figure.
  check_error("explain roi_align --box 0,0,100000,100000 --stride 1",
              "a map of at most 16777216 cells for this --box, got 100002 x 100002");
  check_error("explain roi_align --box=-90000,-90000,9,9 --stride 1", "a --box of at most 262144 cells, got 90009 x 90009");
  check_error("explain roi_align --box 0,0,9,9 --size 64 --samples 16", "--size times --samples must be at most 256, got 64 times 16");
  check_error("explain roi_warp --box 0,0,9,9 --samples 0", "explain: roi_warp: --samples must be at least 1, got 0");
  check_error("explain roi_align --box 0,0,9,9 --samples 0 --compare", "--samples must be at least 1");
  check_error("explain dog --figure ''", "--figure: expected a name ending in .svg, got ");
  // What a topic does not look at.
  check_error("explain conv --box 1,2,3,4", "explain: conv: does not use --box");
  check_error("explain roi_pool --box 1,2,3,4 --samples 2", "explain: roi_pool: does not use --samples");
  check_error("explain roi_align --box 1,2,3,4 --compare --gradient", "explain: roi_align --compare: does not use --gradient");
  check_error("explain box-coder --compare", "explain: box-coder: does not use --compare");
  check_error("explain gradients --recipe scenes_small --image nowhere.png", "the training set has no image nowhere.png");
}

TEST_CASE("the examples of explain in the README run as they stand there, from the project's folder", "[app]") {
  std::istringstream readme(read_text_file(MR_SOURCE_DIR "/README.md"));
  int examples = 0;
  for (std::string line; std::getline(readme, line);) {
    const std::string program = "    mrcnn ";
    if (!line.starts_with(program + "explain")) continue;
    std::string command = line.substr(program.size(), line.find("  #") - program.size());
    for (const auto& [option, place] : {std::pair(" --image ", std::string(MR_SOURCE_DIR)), std::pair(" --figure ", folder())})
      if (const size_t at = command.find(option); at != std::string::npos) command.insert(at + std::string(option).size(), place + "/");
    const Result r = mrcnn(command + " --overwrite");
    INFO(command << " said: " << r.err);
    CHECK(r.status == 0);
    ++examples;
  }
  CHECK(examples >= 3);
}

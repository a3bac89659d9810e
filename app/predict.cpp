#include <algorithm>
#include <filesystem>
#include <iostream>
#include <new>
#include <optional>

#include "app/commands.h"
#include "app/device_option.h"
#include "app/options.h"
#include "app/predict_annotations.h"
#include "app/predict_files.h"
#include "app/predict_picture.h"
#include "app/predict_results.h"
#include "base/files.h"
#include "base/text.h"
#include "data/image/image.h"
#include "train/evaluate.h"
#include "train/interrupt.h"

namespace mr::app {
namespace {

namespace fs = std::filesystem;

struct Arguments {
  std::string weights, out, recipe, annotations, device;
  std::string format = "coco";
  std::vector<std::string> inputs, assignments, renames;
  std::optional<double> score;
  bool pictures = true, whole = false, overwrite = false;
  std::string labels = "auto";
  DrawOptions draw;
};

DrawOptions draw_options(const Arguments& a) {
  DrawOptions options = a.draw;
  options.labels = a.labels == "none" ? LabelStyle::none : a.labels == "ids" ? LabelStyle::ids : LabelStyle::automatic;
  return options;
}

LeftOut left_out(const std::string& file, const std::string& what) {
  const std::string name = "image '" + file + "': ";
  return {file, what.starts_with(name) ? what.substr(name.size()) : what};
}

// What a run could not do as it was asked.
struct Failures {
  std::vector<LeftOut> pictures, drawings;

  // One line, of the first few; empty where there is nothing.
  std::string text(size_t all_pictures) const {
    const auto some = [](const std::vector<LeftOut>& all, const char* what) {
      std::vector<std::string> lines;
      for (const LeftOut& f : all) lines.push_back(printable_whole(str(what, f.file, "': ", f.why)));
      return some_of(lines);
    };
    std::string out;
    if (!pictures.empty()) out = str(pictures.size(), " of ", all_pictures, " images could not be read: ", some(pictures, "image '"));
    if (!drawings.empty())
      append(out, str(out.empty() ? "" : "; ", drawings.size(), " drawings could not be written: ", some(drawings, "drawing '")));
    return out;
  }
};

// What is no picture is told; a picture that was left out, or not drawn, is an error.
void tell_left_out(const Failures& failures, const std::vector<LeftOut>& others, size_t all_pictures) {
  std::vector<std::string> names;
  for (const LeftOut& f : others) names.push_back(printable_whole(str(f.file, " (", f.why, ")")));
  if (!names.empty()) std::cerr << "mrcnn: left out of the folders: " << names.size() << ": " << some_of(names) << "\n";
  const std::string failed = failures.text(all_pictures);
  check(failed.empty(), failed);
}

// What a person might not expect of the picture and its drawing.
std::string remarks(const ImageNotes& notes, PixelSize read, PixelSize drawn) {
  std::string text;
  const PixelSize whole = notes.reduction.whole;
  if (notes.pictures > 1) text += str("; the first of ", notes.pictures, " pictures in the file");
  if (read != whole) text += str("; read at ", read.width, "×", read.height, " of ", whole.width, "×", whole.height);
  if (drawn.width < whole.width) text += str("; drawn at ", drawn.width, "×", drawn.height);
  return text;
}

// False where it fails, which is noted.
bool write_drawing(const std::string& path, const Image& image, std::vector<LeftOut>& failed) {
  try {
    write_png(path, image);
    return true;
  } catch (const FileError& e) {
    failed.push_back({path, reason_of(e.code)});
  } catch (const Error& e) {
    failed.push_back({path, e.what()});
  }
  return false;
}

void predict(const Arguments& a) {
  const bool server = a.format == "cityscapes";
  const double score = a.score.value_or(server ? 0 : 0.5);
  check_usage(score >= 0 && score <= 1, "--score: must be from 0 to 1, got ", score);
  check_usage(!server || a.annotations.empty(), "--annotations: only with --format coco; Cityscapes has ids of its own");
  const PictureFiles inputs = find_pictures(a.inputs);
  const std::vector<fs::path>& files = inputs.files;
  std::optional<CityscapesOutput> cityscapes;
  if (server) cityscapes.emplace(a.out, files);
  const ResultFolder out(a.out, files, a.pictures, a.overwrite, server ? cityscapes->earlier_files() : std::vector<std::string>{});
  PredictAnnotations annotations(a.annotations);
  std::vector<AnnotatedImage> annotated;
  for (const fs::path& f : files) annotated.push_back(annotations.image(f));
  Detector detector = load_detector(a.weights, {a.recipe, a.assignments, a.score.value_or(server ? 1 : score), a.renames});
  if (!detector.notes.empty()) std::cerr << detector.notes << "\n";
  const Device device = device_of(a.device);
  detector.system->parameters().move_to(device);
  use_context_of(detector.recipe, device);  // what it falls back to is told where it is chosen: by train and bench
  if (const std::string note = annotations.number_classes(detector.classes); !note.empty()) std::cerr << "mrcnn: " << note << "\n";
  if (server)
    if (const std::string note = cityscapes->number_classes(detector); !note.empty()) std::cerr << "mrcnn: " << note << "\n";
  out.clear();

  Results results(annotations, detector.system->traits().masks, server ? &*cityscapes : nullptr);
  Failures failed{inputs.pictures, {}};
  for (size_t i = 0; i < files.size() && interrupted() == 0; ++i) {
    const std::string file = files[i].string();
    ImageNotes notes;
    PixelSize read;
    DrawnPicture drawn;
    FoundObjects found;
    try {
      Picture picture = read_picture(file, detector, a.whole, annotated[i].stated);
      found = find_objects(detector, picture.image, picture.notes.reduction);
      std::erase_if(found.objects, [&](const Detection& d) { return d.score < score; });  // the last ones: the best come first
      notes = picture.notes;
      read = {picture.image.height, picture.image.width};
      if (a.pictures) drawn = drawing(std::move(picture), found, detector.classes, draw_options(a));
      const bool is_drawn = a.pictures && write_drawing(out.pictures()[i], drawn.image, failed.drawings);
      results.add(found, annotated[i].id, file, notes.reduction.whole, is_drawn ? out.pictures()[i] : "");
    } catch (const std::bad_alloc&) {
      failed.pictures.push_back({file, "out of memory"});
      continue;
    } catch (const Error& e) {
      failed.pictures.push_back(left_out(file, e.what()));
      continue;
    }
    const PixelSize drawn_at = a.pictures ? drawn.size : notes.reduction.whole;
    std::cout << printable_whole(file) << ": " << counted(std::ssize(found.objects), "object") << remarks(notes, read, drawn_at)
              << std::endl;
  }
  results.write(a.out);
  write_left_out(a.out, failed.pictures, inputs.others);
  stop_if_interrupted();  // what was found before is written
  tell_left_out(failed, inputs.others, files.size() + inputs.pictures.size());
}

}  // namespace

void add_predict(CLI::App& program) {
  auto a = std::make_shared<Arguments>();
  CLI::App* c = program.add_subcommand("predict", "Finds the objects in pictures, and draws them");
  c->add_option("WEIGHTS", a->weights, ".safetensors from mrcnn train; or torch's .pth, detectron2's .pkl with --recipe")->required();
  c->add_option("FILE", a->inputs, "images (JPEG, PNG, WebP, TIFF, GIF, BMP, PNM, TGA), or folders of them")->required();
  c->add_option("--out", a->out, "folder for results.json and a picture NAME.png an image")->required();
  c->add_option("--recipe", a->recipe, "instead of the one stored with the weights: a shipped name or a TOML file");
  add_set(*c, a->assignments);
  add_rename(*c, a->renames, "WEIGHTS");
  c->add_option("--format", a->format, "of the results: coco; cityscapes: files for its evaluation server")
      ->check(CLI::IsMember({"coco", "cityscapes"}))
      ->capture_default_str();
  c->add_option("--score", a->score,
                "leave out objects below this score (default: 0.5; with --format cityscapes none, but for the recipe's model.box.score)");
  c->add_option("--annotations", a->annotations,
                "COCO file: image ids are those of its images of the same file name, class ids those of its classes of the same name; else "
                "1, 2, 3, … and the model's");
  add_device(*c, a->device);
  CLI::Option* none = c->add_flag("!--no-pictures", a->pictures, "only the result files");
  c->add_option("--labels", a->labels,
                "auto: class and score, where there is room; none; ids: numbers, and a legend of what each of them is")
      ->check(CLI::IsMember({"auto", "none", "ids"}))
      ->capture_default_str()
      ->excludes(none);
  c->add_option("--scale", a->draw.scale,
                "the drawing's size, as a multiple of the picture's; default: pictures below 800 pixels are enlarged")
      ->check(CLI::Range(0.05, 16.0))
      ->excludes(none);
  c->add_option("--line", a->draw.line, "thickness of outlines and boxes, in pixels of the drawing; default: by its size")
      ->check(CLI::Range(1, 100))
      ->excludes(none);
  add_overwrite(*c, a->overwrite, "the results that --out holds");
  c->add_flag("--whole", a->whole, "read pictures of more than 33 million pixels whole, too");
  c->footer(
      "results.json: COCO results, [{\"image_id\", \"category_id\", \"score\", \"segmentation\"}]; the boxes lie beside it in\n"
      "results_bbox.json (\"bbox\"), because cocoapi misjudges the size of masks in files that hold both. Without a mask head\n"
      "results.json holds the boxes. With --format cityscapes there are NAME.txt and masks/NAME_N.png for pictures NAME_leftImg8bit.png\n"
      "instead, as its server and mrcnn cityscapes-eval read them. images.json: the files and their drawings. left_out.json: what was not "
      "read, and why.\n"
      "The surest objects choose first where their labels stand; what has no room is told by a legend under the picture. The numbers of\n"
      "--labels ids count the objects of the picture in the order of results.json.\n"
      "A picture of more than 33 million pixels is read at a fraction of its size: as far as the network sees no less of it, and further\n"
      "where it would see more than 16 million. Boxes and masks are still those of the whole picture. --whole reads it whole.");
  c->callback([a] {
    catch_interrupts();
    predict(*a);
  });
}

}  // namespace mr::app

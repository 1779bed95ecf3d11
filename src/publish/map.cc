// Draws a choropleth from TopoJSON.
//
// TopoJSON (github.com/topojson/topojson-specification) keeps the borders that countries share once, as arcs. An arc is
// a list of positions, quantised to whole numbers and written as differences from the one before; scale and translate
// of the transform give degrees. A ring of a polygon is a list of arcs; ~i stands for arc i the other way round.
//
// A choropleth compares areas by colour, so the projection must keep areas: Equal Earth (B. Šavrič, T. Patterson and
// B. Jenny, "The Equal Earth map projection", International Journal of Geographical Information Science 33(3), 2019,
// online 2018). With latitude φ, longitude λ and sin θ = (√3 / 2) sin φ:
//   x = 2√3 λ cos θ / (3 (9 A4 θ⁸ + 7 A3 θ⁶ + 3 A2 θ² + A1)),  y = A4 θ⁹ + A3 θ⁷ + A2 θ³ + A1 θ
// Rings run on over the 180th meridian (Russia, Fiji). Their longitudes are unrolled first, so that no step is longer
// than half the world; then what lies beyond ±180° is cut off (Sutherland and Hodgman, "Reentrant polygon clipping",
// Communications of the ACM 17(1), 1974) and drawn on the other side.
//
// Counts span magnitudes: up to five distinct values have a colour each; more are put in five classes whose bounds are
// about equally far apart by ratio, rounded to 1, 2 or 5 times a power of ten. Antarctica is left out, as it is no
// origin of anything here. Places too small for the outlines are dots; the rest is named beside the map.
#include "publish/map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numbers>
#include <set>

#include "base/text.h"
#include "publish/escape.h"
#include "publish/prose.h"
#include "publish/words.h"

namespace tocsin::publish {
namespace {

using Json = nlohmann::json;

struct Point {
  double x = 0, y = 0;
};

using Ring = std::vector<Point>;

// The part of a ring on one side of a meridian.
Ring clipped(const Ring& ring, double meridian, bool west_of) {
  const auto inside = [&](const Point& point) { return west_of ? point.x <= meridian : point.x >= meridian; };
  Ring out;
  for (std::size_t i = 0; i < ring.size(); ++i) {
    const Point& a = ring[i];
    const Point& b = ring[(i + 1) % ring.size()];
    if (inside(a)) out.push_back(a);
    if (inside(a) != inside(b)) out.push_back({meridian, a.y + (b.y - a.y) * (meridian - a.x) / (b.x - a.x)});
  }
  return out;
}

struct Place {
  std::string_view code;
  double longitude, latitude;
};

// Countries and territories that the outlines at 1:110 million leave out.
constexpr std::array kSmallPlaces{
    Place{"SG", 103.8, 1.35},   Place{"HK", 114.2, 22.3},   Place{"MO", 113.5, 22.2},   Place{"MT", 14.4, 35.9},
    Place{"BH", 50.6, 26.0},    Place{"MV", 73.5, 4.2},     Place{"MU", 57.6, -20.2},   Place{"SC", 55.5, -4.7},
    Place{"LI", 9.5, 47.2},     Place{"MC", 7.4, 43.7},     Place{"SM", 12.5, 43.9},    Place{"AD", 1.5, 42.5},
    Place{"GI", -5.4, 36.1},    Place{"JE", -2.1, 49.2},    Place{"GG", -2.6, 49.5},    Place{"IM", -4.5, 54.2},
    Place{"FO", -6.9, 62.0},    Place{"BB", -59.5, 13.2},   Place{"LC", -61.0, 13.9},   Place{"GD", -61.7, 12.1},
    Place{"VC", -61.2, 13.2},   Place{"AG", -61.8, 17.1},   Place{"DM", -61.4, 15.4},   Place{"KN", -62.7, 17.3},
    Place{"CW", -69.0, 12.2},   Place{"AW", -70.0, 12.5},   Place{"KY", -81.2, 19.3},   Place{"BM", -64.8, 32.3},
    Place{"VG", -64.6, 18.4},   Place{"VI", -64.8, 17.9},   Place{"TC", -71.8, 21.8},   Place{"CV", -23.6, 15.1},
    Place{"ST", 6.6, 0.2},      Place{"KM", 43.3, -11.7},   Place{"WS", -172.1, -13.8}, Place{"TO", -175.2, -21.2},
    Place{"KI", 173.0, 1.4},    Place{"FM", 158.2, 6.9},    Place{"MH", 171.2, 7.1},    Place{"PW", 134.6, 7.5},
    Place{"NR", 166.9, -0.5},   Place{"TV", 179.2, -8.5},   Place{"GU", 144.8, 13.4},   Place{"MP", 145.7, 15.2},
    Place{"PF", -149.6, -17.6}, Place{"AS", -170.7, -14.3}, Place{"GP", -61.5, 16.2},   Place{"MQ", -61.0, 14.6},
    Place{"RE", 55.5, -21.1},   Place{"YT", 45.2, -12.8},   Place{"CK", -159.8, -21.2}, Place{"BL", -62.8, 17.9}};

// Whole units of the viewBox: fine enough at any size on a screen or page.
constexpr double kWidth = 7200;
constexpr double kEast = 2.706629984;  // x of (0°, 180°)

Point project(double longitude, double latitude) {
  constexpr double a1 = 1.340264, a2 = -0.081106, a3 = 0.000893, a4 = 0.003796;
  constexpr double radians = std::numbers::pi / 180;
  const double theta = std::asin(std::numbers::sqrt3 / 2 * std::sin(std::clamp(latitude, -90.0, 90.0) * radians));
  const double t2 = theta * theta;
  const double t6 = t2 * t2 * t2;
  const double x = 2 * std::numbers::sqrt3 * longitude * radians * std::cos(theta) /
                   (3 * (9 * a4 * t6 * t2 + 7 * a3 * t6 + 3 * a2 * t2 + a1));
  const double y = theta * (a4 * t6 * t2 + a3 * t6 + a2 * t2 + a1);
  return {(x / kEast + 1) * kWidth / 2, -y / kEast * kWidth / 2};
}

class Topology {
 public:
  // Throws what nlohmann throws when the text is something else.
  explicit Topology(const std::string& text) : json_(Json::parse(text)) {
    const auto scale = json_.at("transform").at("scale").get<std::array<double, 2>>();
    const auto translate = json_.at("transform").at("translate").get<std::array<double, 2>>();
    for (const Json& arc : json_.at("arcs")) {
      std::vector<Point>& points = arcs_.emplace_back();
      double x = 0, y = 0;
      for (const Json& position : arc) {
        x += position.at(0).get<double>();
        y += position.at(1).get<double>();
        points.push_back({x * scale[0] + translate[0], y * scale[1] + translate[1]});
      }
    }
  }

  const Json& countries() const { return json_.at("objects").at("countries").at("geometries"); }

  // The path of a Polygon or MultiPolygon, in whole units and relative steps.
  std::string path(const Json& geometry) const {
    std::string out;
    const std::string type = geometry.value("type", "");
    if (type == "Polygon") {
      for (const Json& ring : geometry.at("arcs")) add_ring(ring, out);
    } else if (type == "MultiPolygon") {
      for (const Json& polygon : geometry.at("arcs")) {
        for (const Json& ring : polygon) add_ring(ring, out);
      }
    }
    return out;
  }

 private:
  Ring ring_of(const Json& entries) const {
    Ring ring;
    double turn = 0;
    const auto add = [&](Point point) {
      if (!std::isfinite(point.x) || !std::isfinite(point.y) || std::abs(point.x) > 360) return;
      point.x += turn;
      if (!ring.empty() && std::abs(point.x - ring.back().x) > 180) {
        const double step = point.x > ring.back().x ? -360 : 360;
        turn += step;
        point.x += step;
      }
      ring.push_back(point);
    };
    for (const Json& entry : entries) {
      const auto index = entry.get<std::int64_t>();
      const auto at = static_cast<std::size_t>(index < 0 ? ~index : index);
      if (at >= arcs_.size()) continue;
      if (index < 0) {
        std::for_each(arcs_[at].rbegin(), arcs_[at].rend(), add);
      } else {
        std::ranges::for_each(arcs_[at], add);
      }
    }
    return ring;
  }

  static void add_piece(const Ring& ring, std::string& out) {
    long last_x = 0, last_y = 0;
    std::size_t steps = 0;
    std::string path;
    for (const Point& degrees : ring) {
      const Point point = project(degrees.x, degrees.y);
      const long x = std::lround(point.x);
      const long y = std::lround(point.y);
      if (path.empty()) {
        path = fmt::format("M{} {}l", x, y);
      } else if (x != last_x || y != last_y) {
        path += fmt::format("{}{} {}", steps++ ? " " : "", x - last_x, y - last_y);
      }
      last_x = x;
      last_y = y;
    }
    if (steps >= 2) out += path + "z";  // less is an island below the resolution
  }

  void add_ring(const Json& entries, std::string& out) const {
    const Ring ring = ring_of(entries);
    if (ring.empty()) return;
    const auto [west, east] = std::ranges::minmax(ring, {}, &Point::x);
    if (west.x >= -180 && east.x <= 180) return add_piece(ring, out);
    for (const double shift : {-360.0, 0.0, 360.0}) {
      Ring moved = ring;
      for (Point& point : moved) point.x += shift;
      add_piece(clipped(clipped(moved, 180, true), -180, false), out);
    }
  }

  Json json_;
  std::vector<std::vector<Point>> arcs_;
};

std::string code_of(const Json& geometry) {
  if (const auto id = geometry.find("id"); id != geometry.end() && id->is_string()) {
    const std::string& text = id->get_ref<const std::string&>();
    const bool digits =
        !text.empty() && text.size() <= 3 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (digits) return country_of_numeric(std::stoi(text));
  }
  // Kosovo has no number in ISO 3166; databases of addresses call it XK.
  const auto properties = geometry.find("properties");
  return properties != geometry.end() && properties->is_object() && properties->value("name", "") == "Kosovo" ? "XK"
                                                                                                              : "";
}

double nice(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  const double lead = value / power;
  return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10);
}

// Lower bounds of the classes, rising.
std::vector<double> classes_of(const std::map<std::string, double>& values) {
  std::set<double> distinct;
  for (const auto& [code, value] : values) distinct.insert(value);
  if (distinct.size() <= 5) return {distinct.begin(), distinct.end()};
  const double least = *distinct.begin();
  const double most = *distinct.rbegin();
  std::set<double> bounds{least};
  for (int i = 1; i < 5; ++i) {
    const double bound = nice(least * std::pow(most / least, i / 5.0));
    if (bound > least && bound < most) bounds.insert(bound);
  }
  return {bounds.begin(), bounds.end()};
}

// Of five shades; the strongest is always in use.
std::size_t shade_of(const std::vector<double>& classes, double value) {
  const auto above = std::ranges::upper_bound(classes, value) - classes.begin();
  return static_cast<std::size_t>(std::max<std::ptrdiff_t>(above, 1)) + 5 - classes.size();
}

std::string legend_of(const std::vector<double>& classes, const std::map<std::string, double>& values,
                      const FigureDefinition& figure, const Phrases& say) {
  double most = 0;
  bool whole = true;
  std::set<double> distinct;
  for (const auto& [code, value] : values) {
    most = std::max(most, value);
    whole = whole && value == std::floor(value);
    distinct.insert(value);
  }
  const bool single = distinct.size() <= 5;
  std::string list = "<ul class=\"legend\">";
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const bool last = i + 1 == classes.size();
    const double to = last ? most : whole ? classes[i + 1] - 1 : classes[i + 1];
    const std::string text = single || to == classes[i]
                                 ? value_text(classes[i], figure, say)
                                 : value_text(classes[i], figure, say) + "–" + value_text(to, figure, say);
    list += fmt::format("<li><span class=\"swatch s{}\"></span>{}</li>", shade_of(classes, classes[i]), html(text));
  }
  return list;
}

WorldMap draw(const FigureResult& figure, const Topology& topology, const std::map<std::string, double>& values,
              const std::string& home, const std::string& id, const Phrases& say) {
  const std::vector<double> classes = classes_of(values);
  std::map<std::string, double> left = values;
  const auto label = [&](const std::string& code, double value) {
    return country_name(code, say) + std::string(say.colon) + value_text(value, figure.definition, say);
  };
  std::string land, coloured, outline;
  for (const Json& geometry : topology.countries()) {
    const std::string code = code_of(geometry);
    if (code == "AQ") continue;
    const std::string path = topology.path(geometry);
    if (path.empty()) continue;
    if (const auto found = values.find(code); found != values.end()) {
      coloured += fmt::format("<path class=\"s{}\" d=\"{}\"><title>{}</title></path>\n",
                              shade_of(classes, found->second), path, html(label(code, found->second)));
      left.erase(code);
    } else {
      land += path;
    }
    if (!home.empty() && code == home) outline = path;
  }
  for (const Place& place : kSmallPlaces) {
    const auto found = left.find(std::string(place.code));
    if (found == left.end()) continue;
    const Point at = project(place.longitude, place.latitude);
    coloured += fmt::format("<circle class=\"s{}\" cx=\"{:.0f}\" cy=\"{:.0f}\" r=\"45\"><title>{}</title></circle>\n",
                            shade_of(classes, found->second), at.x, at.y, html(label(found->first, found->second)));
    left.erase(found);
  }
  WorldMap map;
  std::string description;
  for (std::size_t i = 0; i < figure.rows.size() && i < 10; ++i) {
    description += fmt::format("{}{}{}{}", i ? say.semicolon : "", key_text(figure, figure.rows[i], say), say.colon,
                               value_text(figure.rows[i].value, figure.definition, say));
  }
  const double top = project(0, 84).y;
  const double bottom = project(0, -56.5).y;
  map.svg = fmt::format(
      "<svg class=\"map\" viewBox=\"0 {:.0f} {:.0f} {:.0f}\" role=\"img\" aria-labelledby=\"{}-title {}-desc\">\n"
      "<title id=\"{}-title\">{}</title>\n<desc id=\"{}-desc\">{}</desc>\n<path class=\"land\" d=\"{}\"/>\n"
      "{}{}</svg>\n",
      top, kWidth, bottom - top, id, id, id, html(said(say.map_title, title_of(figure, say))), id, html(description),
      land, coloured, outline.empty() ? "" : fmt::format("<path class=\"home\" d=\"{}\"/>\n", outline));
  map.legend =
      legend_of(classes, values, figure.definition, say) +
      (outline.empty() ? ""
                       : fmt::format("<li><span class=\"swatch home\"></span>{}</li>", html(country_name(home, say)))) +
      "</ul>";
  for (const auto& [code, value] : left)
    map.absent += (map.absent.empty() ? "" : std::string(say.semicolon)) + label(code, value);
  for (const FigureRow& row : figure.rows) {
    if (!row.key.empty() && row.key[0].empty()) {
      map.absent += (map.absent.empty() ? "" : std::string(say.semicolon)) + std::string(say.country_not_known) +
                    std::string(say.colon) + value_text(row.value, figure.definition, say);
    }
  }
  return map;
}

}  // namespace

WorldMap world_map(const FigureResult& figure, const std::string& world_json, const std::string& home,
                   const std::string& id, const Phrases& say) {
  if (world_json.empty() || figure.request.by.size() != 1 || !is_country(figure.request.by[0])) return {};
  std::map<std::string, double> values;
  for (const FigureRow& row : figure.rows) {
    if (row.key.size() == 1 && !row.key[0].empty() && std::isfinite(row.value) && row.value > 0) {
      values[row.key[0]] = row.value;
    }
  }
  if (values.empty()) return {};
  try {
    return draw(figure, Topology(world_json), values, home, id, say);
  } catch (const Json::exception&) {
    return {};  // a brief without a map is a brief still
  }
}

}  // namespace tocsin::publish

// A world map of where actors or targets were.
#pragma once

#include <string>

#include "figures/figure.h"
#include "publish/phrases.h"

namespace tocsin::publish {

struct WorldMap {
  std::string svg;     // empty: the outlines could not be read, or the figure is not by one country dimension
  std::string legend;  // an HTML list
  std::string absent;  // plain text: countries that the map has no room for; empty if none
};

// world_json: text of world-atlas countries-110m.json. home: alpha-2 of a country to outline, empty for none.
WorldMap world_map(const FigureResult& figure, const std::string& world_json, const std::string& home,
                   const std::string& id, const Phrases& say);

}  // namespace tocsin::publish

// A figure's sentence: the template of the catalogue with its numbers in it.
#pragma once

#include <string>

#include "figures/figure.h"
#include "publish/phrases.h"

namespace tocsin::publish {

// Plain text with its full stop. remark: put in parentheses after the period ("confirmed"); empty for none.
std::string sentence(const FigureResult& figure, const Phrases& say, const std::string& remark = "");
// Without the period, where a sentence before has said it.
std::string sentence_without_period(const FigureResult& figure, const Phrases& say);
// Who comes after the largest: "After the United States came Japan (810) and Brazil (702)."; empty unless rows are
// countries and the first three are known and the first alone is the largest.
std::string followers(const FigureResult& figure, const Phrases& say);

}  // namespace tocsin::publish

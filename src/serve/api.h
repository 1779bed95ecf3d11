// The whole of the server's answers: the API, the page's assets, who asks and what is noted of it.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/expected.h"
#include "http/assets.h"
#include "http/http.h"
#include "serve/context.h"
#include "serve/router.h"

namespace tocsin::serve {

class Api {
 public:
  // assets: nullptr for the API alone.
  Api(Context& context, std::shared_ptr<const Assets> assets);
  ~Api();
  Response handle(const Request& request) const;
  bool knows(const Request& request) const;  // whether it is of an account
  // What is answered without the store's sightings: health, metrics, the page's files.
  static bool is_prompt(const Request& request);
  const Router& router() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tocsin::serve

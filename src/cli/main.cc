#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "cli/command.h"

int main(int argc, char** argv) {
  using namespace tocsin::cli;
  CLI::App app(
      "Tocsin watches attacks on a country, a sector or a company group, counts them exactly,\n"
      "says where they come from, and traces every figure to its evidence.",
      "tocsin");
  app.set_version_flag("--version", "tocsin " TOCSIN_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Begin with: tocsin init STORE --country CC, then tocsin watch --store STORE CAPTURE,\n"
      "then tocsin report --store STORE. tocsin COMMAND --help explains each command.\n\n"
      "Exit status: 0 done; 1 could not be done; 2 wrong usage; 3 done, but some input was skipped.");
  Chosen chosen;
  add_init(app, chosen);
  add_watch(app, chosen);
  add_inspect(app, chosen);
  add_figure(app, chosen);
  add_report(app, chosen);
  add_trace(app, chosen);
  add_verify(app, chosen);
  add_locate(app, chosen);
  add_simulate(app, chosen);
  add_doctor(app, chosen);
  add_serve(app, chosen);
  add_user(app, chosen);
  add_rules(app, chosen);
  try {
    app.parse(argc, argv);
    return chosen();
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tocsin: %s\n", error.what());
    return 1;
  }
}

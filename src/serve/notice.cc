#include "serve/notice.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "publish/words.h"

namespace tocsin::serve {
namespace {

struct Advice {
  std::string_view kind, english, chinese;
};

constexpr std::array kAdvice = {
    Advice{"botnet-control",
           "Disconnect the host, keep its disk and memory for examination, and install it anew. Change every password "
           "that was used on it, and look for the same connections from other hosts.",
           "请将主机断网，保留磁盘和内存以备检查，并重新安装系统。更换在其上使用过的全部口令，并检查其他主机是否有同样"
           "的连接。"},
    Advice{"backdoor",
           "Remove the script that is named below, find by which weakness it came in and close that, and compare the "
           "site's files with a clean copy. Change the passwords of the site and of its database.",
           "请删除下列脚本，查明其植入途径并修补，将网站文件与干净副本比对，并更换网站及其数据库的口令。"},
    Advice{
        "phishing",
        "Warn your customers, ask the hosting provider and the registrar to take the site down, and watch the accounts "
        "of those who may have entered their data there.",
        "请提醒客户，要求主机服务商和域名注册商关停该网站，并关注可能已在其上输入信息的账户。"},
    Advice{
        "defacement",
        "Keep the changed page and the logs, bring the site back from a clean copy, and close the weakness before it "
        "is reachable again.",
        "请保留被篡改的页面和日志，用干净副本恢复网站，并在重新开放之前修补漏洞。"},
    Advice{
        "intrusion",
        "Keep the logs, find out what was reached and changed, bring the system back from a clean copy and change its "
        "passwords.",
        "请保留日志，查明被访问和改动的内容，用干净副本恢复系统并更换口令。"},
    Advice{"web-attack",
           "Look in the site's logs for answers to these requests that were not refused, and bring the application and "
           "its components up to date.",
           "请在网站日志中检查这些请求是否有未被拒绝的应答，并将应用程序及其组件更新到最新版本。"},
    Advice{
        "exploit",
        "Install the update that closes the vulnerability named below, and look for signs that the attempt succeeded.",
        "请安装修补下列漏洞的更新，并检查攻击是否已经得逞。"},
    Advice{
        "scan",
        "Nothing may have happened. Make sure that only the services which must be reachable are, and that they are up "
        "to date.",
        "可能尚未造成危害。请确认只开放必要的服务，并保持其为最新版本。"},
    Advice{"brute-force",
           "Check whether a log-in succeeded, allow log-ins from known addresses only, and ask for a second factor.",
           "请检查是否有登录成功，仅允许已知地址登录，并启用双因素认证。"},
    Advice{
        "denial-of-service",
        "Ask your provider to filter the traffic, and keep a record of it. Make sure that your own hosts can't be used "
        "against others.",
        "请联系网络服务商过滤流量并保留记录，同时确认自己的主机不会被用来攻击他人。"},
    Advice{"malware-distribution",
           "Remove the file, find by which weakness it was placed there and close that, and warn those who fetched it.",
           "请删除该文件，查明其被放置的途径并修补，并提醒下载过的用户。"},
};

std::string_view kind_in(std::string_view kind, Language language) {
  return publish::word(publish::phrases(language).keys, kind);
}

// Finer than a reader needs is only harder to read.
std::string seconds(Timestamp time) { return format_time(floor_to(time, kSecond)); }

}  // namespace

std::string_view advice(std::string_view kind, Language language) {
  for (const Advice& each : kAdvice) {
    if (each.kind == kind) return language == Language::kChinese ? each.chinese : each.english;
  }
  return {};
}

Notice notice_of(const Case& of, const std::vector<NoticeLine>& lines, const std::string& sender, Language language) {
  const bool chinese = language == Language::kChinese;
  const publish::Phrases& say = publish::phrases(language);
  const std::string kind(kind_in(of.kind, language));
  const std::string who = printable(of.organisation, 200),
                    from = printable(publish::constituency_text(sender, say), 200);
  Notice notice;
  std::string& text = notice.text;
  if (chinese) {
    notice.subject = fmt::format("关于{}的通报（编号{}）", kind, of.id);
    text = fmt::format("{}：\n\n{}至{}（UTC），监测发现贵单位{}个目标涉及{}，共{}次。\n\n", who, seconds(of.first_seen),
                       seconds(of.last_seen), of.targets, kind, of.sightings);
  } else {
    notice.subject = fmt::format("Notice of {} (case {})", kind, of.id);
    text =
        fmt::format("To {}\n\nBetween {} and {}, {} {} of yours {} sighted in {}: {} {} in all.\n\n", who,
                    seconds(of.first_seen), seconds(of.last_seen), of.targets, of.targets == 1 ? "system" : "systems",
                    of.targets == 1 ? "was" : "were", kind, of.sightings, of.sightings == 1 ? "sighting" : "sightings");
  }
  text += chinese ? "目标 ← 来源（最后发现时间，UTC）\n" : "Target ← actor (last seen, UTC)\n";
  for (const NoticeLine& line : lines) {
    const std::string country = line.country.empty() ? "" : ", " + publish::country_name(line.country, say);
    const std::string actor = line.actor.empty() ? (chinese ? "不明" : "unknown") : printable(line.actor, 200);
    text += fmt::format("- {} ← {}{} ({})\n", printable(line.target, 200), actor, country, seconds(line.last_seen));
  }
  text += fmt::format("\n{}\n{}\n\n", chinese ? "现在应做的事" : "What to do now", advice(of.kind, language));
  text += chinese ? "地址所在地不能说明由谁使用。处理完毕后请回复本通报。\n"
                  : "Where an address is does not say who uses it. Please answer this notice when it is dealt with.\n";
  text += "\n" + from + "\n";
  return notice;
}

}  // namespace tocsin::serve

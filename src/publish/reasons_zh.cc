// What other parts of the program say in English of what they could not use, in Chinese. What is not here stays as it
// is.
#include <string>

#include "publish/words.h"
#include "publish/words_zh.h"

namespace tocsin::publish::in_chinese {

Words reasons() {
  return {
      // Why machines are not estimated (estimate/machines.cc).
      {"too few addresses are seen again", "再次出现的地址过少"},
      {"addresses return in a way that no lease explains", "地址再次出现的规律无法用地址租期解释"},
      {"shared addresses' connections keep to hours of the day", "共享地址的连接集中在一天中的某些时段"},
      {"too few shared addresses are seen again", "再次出现的共享地址过少"},
      {"connections come and go in a way that no lease explains", "连接的消长规律无法用地址租期解释"},
      {"connections are too few to tell whether addresses are shared", "连接过少，无法判断地址是否共享"},
      {"machines connect less often than the rate given", "机器的连接频率低于给定值"},
      {"addresses are shared, and the rate of a machine's connections is unknown",
       "地址为多台机器共享，而单台机器的连接频率未知"},
      {"the interval would be too wide to be of use", "估计区间过宽，没有参考价值"},
      {"nothing was sighted in the window", "期间内没有任何发现"},
      {"the window is shorter than three days", "期间不足三天"},
      {"the window is longer than 400 days", "期间超过400天"},
      // Why records are skipped (collect, dissect).
      {"a JSON document of more than 128 MiB", "JSON文档超过128 MiB"},
      {"a content encoding that is damaged or not known", "内容编码已损坏或未知"},
      {"a flow before the line of column names", "流记录出现在列名行之前"},
      {"a header that is cut short or too long", "首部不完整或过长"},
      {"a quote that is left open", "引号未闭合"},
      {"a record before the line of field names", "记录出现在字段名行之前"},
      {"a record that is cut short", "记录不完整"},
      {"a record that runs into the next", "记录与下一条相连"},
      {"a report before the line of column names", "报告出现在列名行之前"},
      {"bad IP header", "IP首部有误"},
      {"bad TCP header length", "TCP首部长度有误"},
      {"bad interface block", "接口块有误"},
      {"client is a name", "客户端为名称而非地址"},
      {"impossible length of a set", "集合长度不可能"},
      {"impossible packet length", "数据包长度不可能"},
      {"impossible time", "时间不可能"},
      {"impossible time resolution", "时间精度不可能"},
      {"line longer than 16 MiB", "行长超过16 MiB"},
      {"malformed DNS message", "DNS报文格式有误"},
      {"malformed JSON", "JSON格式有误"},
      {"malformed TLS ClientHello", "TLS ClientHello格式有误"},
      {"message cut short", "消息不完整"},
      {"more templates than are kept", "模板数超过上限"},
      {"more than 512 fields", "字段超过512个"},
      {"neither an actor nor a target", "既无攻击者也无目标"},
      {"no CVE number, and no kind", "既无CVE编号也无类别"},
      {"no Content-Length", "缺少Content-Length"},
      {"no Event", "缺少Event"},
      {"no HTTP response", "缺少HTTP响应"},
      {"no WARC-Date", "缺少WARC-Date"},
      {"no WARC-Target-URI", "缺少WARC-Target-URI"},
      {"no client before the time", "时间之前缺少客户端"},
      {"no event_type", "缺少event_type"},
      {"no kind", "缺少类别"},
      {"no request after the time", "时间之后缺少请求"},
      {"no status after the request", "请求之后缺少状态码"},
      {"no time", "缺少时间"},
      {"not a JSON object", "不是JSON对象"},
      {"not a confidence", "不是可信度"},
      {"not a kind", "不是类别"},
      {"not a number", "不是数字"},
      {"not a number of bytes", "不是字节数"},
      {"not a port", "不是端口"},
      {"not a status", "不是状态码"},
      {"not a time", "不是时间"},
      {"not an IP address", "不是IP地址"},
      {"not well-formed JSON, or cut short", "JSON格式有误或不完整"},
      {"packet of an interface that is not described", "数据包所属接口未说明"},
      {"reserved number of a set", "使用了保留的集合编号"},
      {"reserved number of a template", "使用了保留的模板编号"},
      {"template cut short", "模板不完整"},
      {"template of records without bytes", "模板的记录长度为零"},
      {"the referrer is cut short", "引用页不完整"},
      {"the request is cut short", "请求不完整"},
      {"the user agent is cut short", "用户代理不完整"},
      {"too few columns", "列数过少"},
      {"too many IPv6 extension headers", "IPv6扩展首部过多"},
      {"truncated IP header", "IP首部不完整"},
      {"truncated IPv6 extension header", "IPv6扩展首部不完整"},
      {"truncated block", "块不完整"},
      {"truncated link header", "链路层首部不完整"},
      {"truncated packet block", "数据包块不完整"},
      {"truncated transport header", "传输层首部不完整"},
      {"xz data is cut short", "xz数据不完整"},
      {"xz data is damaged", "xz数据已损坏"},
      {"xz data needs more than 256 MiB of memory to decompress", "xz数据解压需要超过256 MiB内存"},
      {"zstd data is damaged", "zstd数据已损坏"},
      {"zstd data needs more than 128 MiB of memory to decompress", "zstd数据解压需要超过128 MiB内存"},
  };
}

Words databases() {
  return {
      {"libloc location database (IPFire Project, CC BY-SA 4.0)",
       "libloc地理位置数据库（IPFire项目，CC BY-SA 4.0许可）"},
      {"AS ranges of RouteViews and DB-IP, IPv4 (CC BY 4.0)",
       "RouteViews与DB-IP的自治系统地址段，IPv4（CC BY 4.0许可）"},
      {"AS ranges of RouteViews and DB-IP, IPv6 (CC BY 4.0)",
       "RouteViews与DB-IP的自治系统地址段，IPv6（CC BY 4.0许可）"},
  };
}

// "line 7: not a time" is 第7行：不是时间; a place of another form stays as it is.
std::string skipped_example(std::string_view example) {
  const std::size_t colon = example.find(": ");
  if (colon == std::string_view::npos) return std::string(example);
  const std::string_view where = example.substr(0, colon), why = example.substr(colon + 2);
  std::string place(where);
  struct Unit {
    std::string_view english, before, after;
  };
  for (const Unit& unit : {Unit{"line ", "第", "行"}, Unit{"packet ", "第", "个数据包"},
                           Unit{"record ", "第", "条记录"}, Unit{"byte ", "第", "字节"}}) {
    if (!where.starts_with(unit.english)) continue;
    const std::string_view number = where.substr(unit.english.size());
    if (number.empty() || number.find_first_not_of("0123456789") != std::string_view::npos) continue;
    place = std::string(unit.before) + std::string(number) + std::string(unit.after);
  }
  return place + std::string(chinese().colon) + std::string(word(chinese().reasons, why));
}

}  // namespace tocsin::publish::in_chinese

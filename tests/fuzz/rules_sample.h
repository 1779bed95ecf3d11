// Rules that between them ask of everything that rules may: for targets that need some.
#pragma once

#include <string_view>

namespace tocsin::fuzz {

inline constexpr std::string_view kSampleRules =
    R"(alert ip any any -> any any (msg:"fragment"; fragbits:M; sid:1;)
alert tcp any any -> any any (msg:"flags"; flags:S,CE; window:!0; sid:2;)
alert tcp any any -> any any (msg:"stream"; flow:established,to_server; content:"GET"; depth:3; content:"/"; distance:0; within:5; sid:3;)
alert tcp any any -> any any (msg:"bytes"; byte_extract:1,0,n,relative; content:"a"; offset:n; byte_test:2,>,n,0,relative; byte_jump:1,0,relative,from_beginning,post_offset 2; isdataat:n,relative; sid:4;)
alert udp any any -> any any (msg:"math"; byte_math:bytes 2,offset 0,oper *,rvalue 3,result r; byte_test:1,=,r,1; sid:5;)
alert tcp any any -> any any (msg:"expression"; pcre:"/(?P<x>[a-z]+)=(\d+)/i, flow:w"; sid:6;)
alert tcp any any -> any any (msg:"base64"; content:"c="; base64_decode:bytes 12,offset 0,relative; base64_data; content:"a"; sid:7;)
alert http any any -> any any (msg:"uri"; http.uri; content:"/"; startswith; bsize:>3; flowbits:set,seen; sid:8;)
alert http any any -> any any (msg:"response"; flowbits:isset,seen; http.stat_code; content:"200"; http.response_body; content:"a"; nocase; sid:9;)
alert http any any -> any any (msg:"headers"; http.header_names; content:"|0d 0a|Host|0d 0a|"; http.header; content:"a"; sid:10;)
alert http any any -> any any (msg:"file"; file.data; content:"%PDF"; filemagic:"PDF"; filesize:<9000; sid:11;)
alert http any any -> any any (msg:"transforms"; http.uri; url_decode; to_lowercase; strip_whitespace; content:"abc"; sid:12;)
alert http any any -> any any (msg:"sum"; http.user_agent; to_sha256; content:"|00|"; sid:13;)
alert http any any -> any any (msg:"xor"; http.request_body; compress_whitespace; xor:"0a0b"; content:"x"; sid:14;)
alert dns any any -> any any (msg:"query"; dns.query; dotprefix; content:".example"; endswith; sid:15;)
alert tls any any -> any any (msg:"name"; tls.sni; content:"example"; sid:16;)
alert tls any any -> any any (msg:"certificate"; tls.cert_subject; content:"CN="; tls.cert_issuer; content:"a"; sid:17;)
alert smtp any any -> any any (msg:"mail"; file.name; content:"."; sid:18;)
alert smb any any -> any any (msg:"share"; smb.named_pipe; content:"svcctl"; nocase; sid:19;)
alert ssh any any -> any any (msg:"ssh"; ssh.software; content:"OpenSSH"; sid:20;)
alert ftp any any -> any any (msg:"ftp"; ftpbounce; sid:21;)
alert tcp any any -> any any (msg:"often"; threshold:type both,track by_src,count 2,seconds 60; sid:22;)
alert tcp any any -> any any (msg:"filtered"; detection_filter:track by_flow,count 2,seconds 60; sid:23;)
alert tcp any any -> any any (msg:"marked"; xbits:set,m,track ip_pair,expire 60; flowint:n,+,1; flowint:n,>,2; sid:24;)
alert icmp any any -> any any (msg:"icmp"; itype:8; icode:0; icmp_id:1; tag:session,3,packets; sid:25;)
alert dns any any -> any any (msg:"data set"; dns.query; dataset:set,words,type string,memcap 10000; sid:26;)
alert tcp any any -> any any (msg:"size"; dsize:10<>20; stream_size:client,>,5; ttl:>5; sid:27;)
drop tcp any any -> any 9999 (msg:"dropped"; content:"drop"; sid:28;)
pass tcp any any -> any 9998 (msg:"passed"; content:"pass"; sid:29;)
alert tcp any any -> any any (msg:"anomaly"; stream-event:reassembly_overlap_different_data; sid:30;)
alert pkthdr any any -> any any (msg:"decoded"; decode-event:ipv4.trunc_pkt; sid:31;)
)";

}  // namespace tocsin::fuzz

// The outlines of countries, projected once. Equal Earth keeps areas, which a choropleth needs.
import { geoEqualEarth, geoPath } from 'd3-geo';
import type { Feature, FeatureCollection, Geometry } from 'geojson';
import { feature } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import atlas from 'world-atlas/countries-110m.json';

// Numbers of ISO 3166 as the outlines have them.
const numbers =
  'AE784 AF004 AL008 AM051 AO024 AR032 AT040 AU036 AZ031 BA070 BD050 BE056 BF854 BG100 BI108 BJ204 BN096 BO068 BR076 BS044 BT064 BW072 BY112 BZ084 CA124 CD180 CF140 CG178 CH756 CI384 CL152 CM120 CN156 CO170 CR188 CU192 CY196 CZ203 DE276 DJ262 DK208 DO214 DZ012 EC218 EE233 EG818 EH732 ER232 ES724 ET231 FI246 FJ242 FK238 FR250 GA266 GB826 GE268 GH288 GL304 GM270 GN324 GQ226 GR300 GT320 GW624 GY328 HN340 HR191 HT332 HU348 ID360 IE372 IL376 IN356 IQ368 IR364 IS352 IT380 JM388 JO400 JP392 KE404 KG417 KH116 KP408 KR410 KW414 KZ398 LA418 LB422 LK144 LR430 LS426 LT440 LU442 LV428 LY434 MA504 MD498 ME499 MG450 MK807 ML466 MM104 MN496 MR478 MW454 MX484 MY458 MZ508 NA516 NC540 NE562 NG566 NI558 NL528 NO578 NP524 NZ554 OM512 PA591 PE604 PG598 PH608 PK586 PL616 PR630 PS275 PT620 PY600 QA634 RO642 RS688 RU643 RW646 SA682 SB090 SD729 SE752 SI705 SK703 SL694 SN686 SO706 SR740 SS728 SV222 SY760 SZ748 TD148 TF260 TG768 TH764 TJ762 TL626 TM795 TN788 TR792 TT780 TW158 TZ834 UA804 UG800 US840 UY858 UZ860 VE862 VN704 VU548 YE887 ZA710 ZM894 ZW716';
const codes = new Map(numbers.split(' ').map((one) => [one.slice(2), one.slice(0, 2)]));

// Countries and territories that the outlines at 1:110 million leave out: longitude and latitude.
const small =
  'SG 103.8 1.35,HK 114.2 22.3,MO 113.5 22.2,MT 14.4 35.9,BH 50.6 26,MV 73.5 4.2,MU 57.6 -20.2,SC 55.5 -4.7,LI 9.5 47.2,MC 7.4 43.7,SM 12.5 43.9,AD 1.5 42.5,GI -5.4 36.1,JE -2.1 49.2,GG -2.6 49.5,IM -4.5 54.2,FO -6.9 62,BB -59.5 13.2,LC -61 13.9,GD -61.7 12.1,VC -61.2 13.2,AG -61.8 17.1,DM -61.4 15.4,KN -62.7 17.3,CW -69 12.2,AW -70 12.5,KY -81.2 19.3,BM -64.8 32.3,VG -64.6 18.4,VI -64.8 17.9,TC -71.8 21.8,CV -23.6 15.1,ST 6.6 0.2,KM 43.3 -11.7,WS -172.1 -13.8,TO -175.2 -21.2,KI 173 1.4,FM 158.2 6.9,MH 171.2 7.1,PW 134.6 7.5,NR 166.9 -0.5,TV 179.2 -8.5,GU 144.8 13.4,MP 145.7 15.2,PF -149.6 -17.6,AS -170.7 -14.3,GP -61.5 16.2,MQ -61 14.6,RE 55.5 -21.1,YT 45.2 -12.8,CK -159.8 -21.2,BL -62.8 17.9';

export const width = 960;
export const height = 440;

export interface Shape {
  code: string; // '' where ISO 3166 has none
  path: string;
}
export interface Dot {
  code: string;
  x: number;
  y: number;
}

function made(): { shapes: Shape[]; dots: Dot[] } {
  const topology = atlas as unknown as Topology<{ countries: GeometryCollection<{ name: string }> }>;
  const all = feature(topology, topology.objects.countries) as FeatureCollection<Geometry, { name: string }>;
  // Antarctica is no origin of anything here, and would take a fifth of the map.
  const features = all.features.filter((one) => one.id !== '010');
  const projection = geoEqualEarth().fitExtent([[2, 2], [width - 2, height - 2]], { type: 'FeatureCollection', features });
  const path = geoPath(projection).digits(1);
  const codeOf = (one: Feature<Geometry, { name: string }>) =>
    codes.get(String(one.id)) ?? (one.properties.name === 'Kosovo' ? 'XK' : '');
  return {
    shapes: features.map((one) => ({ code: codeOf(one), path: path(one) ?? '' })),
    dots: small.split(',').flatMap((line) => {
      const [code, longitude, latitude] = line.split(' ') as [string, string, string];
      const at = projection([Number(longitude), Number(latitude)]);
      return at ? [{ code, x: at[0], y: at[1] }] : [];
    }),
  };
}

export const { shapes, dots } = made();
export const drawn = new Set([...shapes.map((one) => one.code), ...dots.map((one) => one.code)]);

/** How a picture looks, in light and dark: colours only, text stays text. No quotation marks: they would be escaped. */
export const STYLE = `
text { font: 12.5px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 14px; }
.ground { fill: #ffffff; }
.stage rect { fill: #ddf4ff; stroke: #0969da; }
.service rect { fill: #fff8c5; stroke: #9a6700; }
.bucket rect { fill: #dafbe1; stroke: #1a7f37; }
.machine rect { fill: #f6f8fa; stroke: #818b98; }
.dashed rect { fill: none; stroke: #0969da; stroke-dasharray: 5 4; }
.arrow path, .line { fill: none; stroke: #59636e; stroke-width: 1.5; }
#head path { fill: #59636e; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; }
.ground { fill: #0d1117; }
.stage rect { fill: #0c2d6b; stroke: #4493f8; }
.service rect { fill: #3b2300; stroke: #d29922; }
.bucket rect { fill: #033a16; stroke: #3fb950; }
.machine rect { fill: #151b23; stroke: #656c76; }
.dashed rect { stroke: #4493f8; }
.arrow path, .line { stroke: #9198a1; }
#head path { fill: #9198a1; }
}
`;

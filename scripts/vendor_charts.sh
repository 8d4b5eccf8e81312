#!/usr/bin/env bash
# Cut the chart library to the charts that the report draws, and put it in place. Needs Node and npm;
# nothing else of the project does. ECharts is Apache-2.0: its licence stands in the file's first lines.
#   scripts/vendor_charts.sh [version]
set -euo pipefail

version="${1:-6.1.0}"
out="$(cd "$(dirname "$0")/.." && pwd)/marketing_analytics/report/pages/static/echarts.js"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts=false "echarts@$version" esbuild@0.28 >/dev/null
cat >cut.js <<'JS'
import * as echarts from "echarts/core";
import { BarChart, CustomChart, HeatmapChart, LineChart, ScatterChart } from "echarts/charts";
import {
  AriaComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent,
  MarkPointComponent, TooltipComponent, VisualMapComponent,
} from "echarts/components";
import { CanvasRenderer, SVGRenderer } from "echarts/renderers";
echarts.use([
  BarChart, CustomChart, HeatmapChart, LineChart, ScatterChart, AriaComponent, GridComponent,
  LegendComponent, MarkAreaComponent, MarkLineComponent, MarkPointComponent, TooltipComponent,
  VisualMapComponent, CanvasRenderer, SVGRenderer,
]);
export { getInstanceByDom, init } from "echarts/core";
JS
{
  echo "/*! Apache ECharts $version, a cut of it made by scripts/vendor_charts.sh. Apache-2.0,"
  echo " * https://www.apache.org/licenses/LICENSE-2.0. Copyright The Apache Software Foundation. */"
  npx esbuild cut.js --bundle --minify --format=iife --global-name=echarts --legal-comments=inline
} >echarts.js
mv echarts.js "$out"
gzip -9 -c "$out" | wc -c | awk -v out="$out" '{printf "%s: %d kB gzipped\n", out, $1 / 1000}'

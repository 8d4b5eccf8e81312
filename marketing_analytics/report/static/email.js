"use strict";
(() => { report.onChange(() => {}); })();

/* SPDX-License-Identifier: MIT */
/*
 * canvas_no_png.c - in place of canvas_png.c where libpng is missing.
 */
#include "canvas.h"

const bool have_png = false;
const struct canvas_ops png_canvas;

/* SPDX-License-Identifier: MIT */
/*
 * canvas_png_missing.c - takes the place of canvas_png.c in builds without libpng.
 */
#include "canvas.h"

const bool have_png = false;
const struct canvas_ops png_canvas;

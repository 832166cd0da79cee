/* SPDX-License-Identifier: MIT */
/* version.h - the version; meson.build checks that it is the project's. */
#ifndef PAGODA_BASE_VERSION_H
#define PAGODA_BASE_VERSION_H

#define PAGODA_VERSION "0.1.0"

#endif

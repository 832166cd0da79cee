/* Nothing: preloading this object costs what preloading any object costs. */

-- The script that the lua workload runs; prints the same on every run.

local seed = 42
local function next_number()
	seed = seed * 16807 % 2147483647
	return seed
end

local function checksum(text)
	local sum = 5381
	for i = 1, #text do
		sum = (sum * 33 + text:byte(i)) & 0xffffffff
	end
	return sum
end

-- tables that grow, shrink and are collected
local total = 0
for round = 1, 30 do
	local words = {}
	for i = 1, 10000 do
		local n = next_number()
		words["word" .. n % 7919] = { n, tostring(n), { i } }
	end
	local keys = {}
	for key in pairs(words) do
		keys[#keys + 1] = key
	end
	table.sort(keys)
	total = total + #keys + checksum(table.concat(keys, ","))
	if round % 10 == 0 then
		collectgarbage(round % 20 == 0 and "incremental" or "generational")
	end
end
print("tables", total)

-- long strings, built and searched
local parts = {}
for i = 1, 50000 do
	parts[i] = ("%d:%x;"):format(i, next_number())
end
local text = table.concat(parts)
print("text", #text, checksum(text))
local found = 0
for number, hex in text:gmatch("(%d+):(%x+);") do
	if #hex == 7 then
		found = found + tonumber(number)
	end
end
print("found", found)
local changed = text:gsub("%d+", function(n) return n .. n end)
print("changed", #changed, checksum(changed))
print("repeated", #(("abc"):rep(5000000)), checksum(text:reverse():upper()))
local grown = ""
for i = 1, 5000 do
	grown = grown .. i
end
print("grown", #grown, checksum(grown))

-- coroutines and closures
local threads = {}
for i = 1, 5000 do
	threads[i] = coroutine.wrap(function(a)
		local own = { a }
		while true do
			own[#own + 1] = coroutine.yield(#own + a)
		end
	end)
end
local sum = 0
for _ = 1, 10 do
	for i = 1, #threads do
		sum = sum + threads[i](i)
	end
end
print("coroutines", sum)
threads = nil

-- finalisers and weak tables
local finalised = 0
local weak = setmetatable({}, { __mode = "k" })
for i = 1, 50000 do
	local object = setmetatable({ i }, { __gc = function()
		finalised = finalised + 1
	end })
	weak[object] = ("x"):rep(i % 100)
end
collectgarbage()
collectgarbage()
print("finalised", finalised, next(weak) == nil)

-- a deep structure, and errors through it
local tree
local function build(depth)
	return depth > 0 and { build(depth - 1), build(depth - 1) } or { depth }
end
local function count(node)
	return node[2] and 1 + count(node[1]) + count(node[2]) or 1
end
for depth = 1, 16 do
	tree = build(depth)
end
print("tree", count(tree))
local caught = 0
for i = 1, 10000 do
	local ok, message = pcall(error, { code = i })
	caught = caught + (not ok and message.code or 0)
end
print("caught", caught)
print("loaded", load("return " .. ("1+"):rep(10000) .. "1")())

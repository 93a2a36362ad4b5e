// Which addresses, hosts and ports are public.
import { expect, test } from "bun:test";
import { canonicalHost, hostOf, isPrivateName, isPublicAddress, isRefusedPort } from "./addresses.ts";

test.each(["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "198.20.0.1", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450::8a"])(
  "%s is public",
  (address) => expect(isPublicAddress(address)).toBe(true),
);

const PRIVATE: [string, string[]][] = [
  ["this network", ["0.0.0.0", "0.1.2.3", "::"]],
  ["loopback", ["127.0.0.1", "127.255.255.254", "::1"]],
  ["private", ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd00:ec2::254", "fec0::1"]],
  ["link-local", ["169.254.169.254", "fe80::1", "febf::1"]],
  ["carrier-grade NAT", ["100.64.0.1", "100.100.100.200", "100.127.255.255"]],
  ["protocol assignments", ["192.0.0.1", "192.0.0.192", "2001:1::1"]],
  ["documentation", ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1"]],
  ["benchmarking", ["198.18.0.1", "198.19.255.255", "2001:2::1"]],
  ["6to4", ["192.88.99.1", "2002:7f00:1::1"]],
  ["multicast", ["224.0.0.1", "239.255.255.255", "ff02::1"]],
  ["reserved and broadcast", ["240.0.0.1", "255.255.255.255", "4000::1", "e000::1", "5f00::1"]],
  ["IPv4-mapped", ["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:8.8.8.8"]],
  ["IPv4-compatible", ["::127.0.0.1", "::8.8.8.8"]],
  ["IPv4-translated", ["::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1"]],
  ["Teredo", ["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"]],
  ["ISATAP", ["2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:a00:1"]],
  ["discard, ORCHID", ["100::1", "2001:10::1", "2001:20::1"]],
  ["a cloud's own service on a public number", ["168.63.129.16"]],
  ["with a zone", ["fe80::1%eth0", "2606:4700::1%1"]],
  ["no address", ["", "localhost", "1.1.1", "0x7f.1", "0177.0.0.1", "2130706433", "1.1.1.1 ", "[::1]", "1.1.1.1/8", ":::"]],
];

test.each(PRIVATE)("%s is not public", (_name, addresses) => {
  expect(addresses.filter(isPublicAddress)).toEqual([]);
});

test("hosts are compared without case, brackets and the last dot", () => {
  expect(hostOf(new URL("http://Printer.LAN.:8080/"))).toBe("printer.lan");
  expect(hostOf(new URL("http://[FD00::0:1]/"))).toBe("fd00::1");
  expect(["Printer.LAN.", "FD00::0:1", "[fd00::1]", "0x0a.1", "a b"].map(canonicalHost)).toEqual([
    ...["printer.lan", "fd00::1", "fd00::1", "10.0.0.1", "a b"],
  ]);
});

test("special names are private, names that contain them are not", () => {
  const names = ["localhost", "a.localhost", "nas.local", "metadata.google.internal", "router.home.arpa"];
  expect(names.every(isPrivateName)).toBe(true);
  expect(["localhost.example.com", "notlocalhost", "internal.example.com", "example.com"].some(isPrivateName)).toBe(false);
});

test("ports of mail, shells and databases are refused, others are not", () => {
  const refused = [0, 22, 25, 53, 110, 6379, 5432, 6667, 11211].filter((port) => isRefusedPort(new URL(`http://a.example:${port}/`)));
  expect(refused).toEqual([0, 22, 25, 53, 110, 6379, 5432, 6667, 11211]);
  expect(["http://a.example/", "https://a.example/", "http://a.example:8080/"].map((url) => isRefusedPort(new URL(url)))).toEqual([
    ...[false, false, false],
  ]);
});

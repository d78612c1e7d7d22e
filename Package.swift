// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let nio = "swift-nio"
let nioCore = Target.Dependency.product(name: "NIOCore", package: nio)
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: nio)
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: nio)
let nioTLS = Target.Dependency.product(name: "NIOTLS", package: nio)
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let lifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let x509 = Target.Dependency.product(name: "X509", package: "swift-certificates")
let asn1 = Target.Dependency.product(name: "SwiftASN1", package: "swift-asn1")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

// DNS-SD: Bonjour is part of macOS; Linux has Avahi, and Avahi's stand-in for Bonjour.
#if os(macOS)
    let serviceDirectories: [Target] = [.systemLibrary(name: "CDNSSD")]
    let serviceDirectoryModules: [Target.Dependency] = ["CDNSSD"]
    let serviceDirectoryLinks: [LinkerSetting] = []
#else
    let serviceDirectories: [Target] = [
        .systemLibrary(name: "CAvahi", providers: [.apt(["libavahi-client-dev"])]),
        .systemLibrary(name: "CDNSSD", providers: [.apt(["libavahi-compat-libdnssd-dev"])]),
    ]
    let serviceDirectoryModules: [Target.Dependency] = ["CAvahi", "CDNSSD"]
    let serviceDirectoryLinks: [LinkerSetting] = [.linkedLibrary("dns_sd")]
#endif

let package = Package(
    name: "llmstack",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "llmstack", targets: ["llmstack"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: serviceDirectories + [
        .target(name: "Cluster", swiftSettings: settings),
        .target(
            name: "Wire",
            dependencies: ["Cluster", nioCore, nioPosix, nioHTTP1, nioTLS, nioSSL],
            swiftSettings: settings),
        // Who belongs to a cluster: its authority, certificates, tokens and keys, and the files that hold them.
        .target(name: "Trust", dependencies: ["Cluster", x509, asn1, crypto, cryptoExtras], swiftSettings: settings),
        .target(
            name: "Discovery", dependencies: ["Cluster", logging] + serviceDirectoryModules,
            swiftSettings: settings, linkerSettings: serviceDirectoryLinks),
        // The system's libcurl: downloads with proxies and TLS.
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
        .target(
            name: "Node",
            dependencies: ["CCurl", "Cluster", "Trust", "Wire", logging, lifecycle, crypto],
            // In the program itself, not in a bundle beside it: a copied binary must still find them.
            resources: [
                .embedInCode("Resources/models.ini"), .embedInCode("Resources/AGENTS.md"),
                .embedInCode("Resources/hook.bash"), .embedInCode("Resources/hook.zsh"),
                .embedInCode("Resources/hook.ps1"),
            ],
            swiftSettings: settings),
        .target(
            name: "Coordinator",
            dependencies: ["Cluster", "Wire", nioCore, nioPosix, logging, lifecycle, grdb],
            swiftSettings: settings),
        .executableTarget(
            name: "llmstack",
            dependencies: [
                "Cluster", "Trust", "Wire", "Node", "Coordinator", "Discovery", argumentParser, logging, lifecycle,
                unixSignals,
            ],
            swiftSettings: settings),

        // A stand-in for llama-swap, for tests and the quickstart only: users run llama-swap.
        .executableTarget(
            name: "llama-swap-stand-in",
            dependencies: [nioCore, nioPosix, nioHTTP1],
            path: "Tests/llama-swap-stand-in",
            swiftSettings: settings),
        // For tests of the router: raw sockets, a scripted upstream, a router between them.
        .target(
            name: "RouterHarness", dependencies: ["Coordinator", "Wire", "Cluster", nioCore, nioPosix, logging],
            path: "Tests/RouterHarness", swiftSettings: settings),
        .testTarget(
            name: "ConformanceTests",
            dependencies: ["Coordinator", "Wire", "Cluster", "RouterHarness"],
            resources: [.copy("Fixtures")], swiftSettings: settings),
        // Discovery on its own, for tests with several hosts: events as lines of JSON, orders as lines of text.
        .executableTarget(
            name: "discovery-probe", dependencies: ["Discovery", logging], path: "Tests/discovery-probe",
            swiftSettings: settings),
        // AWS signatures and credentials on their own, for deploy/lab/check-signing and check-credentials.
        .executableTarget(
            name: "aws-probe", dependencies: ["Node", logging], path: "Tests/aws-probe", swiftSettings: settings),
        // A cluster in simulated time, with faults: deploy/test runs it, Tests/simulation/README.md tells of it.
        .executableTarget(
            name: "cluster-simulation", dependencies: ["Cluster"], path: "Tests/simulation",
            exclude: ["README.md", "check"],
            swiftSettings: settings),
        .testTarget(
            name: "TrustTests", dependencies: ["Trust", "Cluster", x509, asn1, crypto], swiftSettings: settings),
        .testTarget(name: "DiscoveryTests", dependencies: ["Discovery"], swiftSettings: settings),
        .testTarget(name: "ClusterTests", dependencies: ["Cluster"], swiftSettings: settings),
        .testTarget(
            name: "WireTests",
            dependencies: ["Wire", "Cluster", "RouterHarness", nioCore, nioPosix, x509, asn1, crypto],
            swiftSettings: settings),
        .testTarget(
            name: "NodeTests",
            dependencies: ["Node", "Trust", "Wire", "Cluster", "RouterHarness", logging],
            resources: [.copy("Fixtures")],
            swiftSettings: settings),
        .testTarget(
            name: "CoordinatorTests",
            dependencies: ["Coordinator", "Trust", "Wire", "Cluster", "RouterHarness", grdb, logging],
            swiftSettings: settings),
        // Against the built program, as a user types it.
        .testTarget(name: "CommandLineTests", dependencies: ["llmstack", "RouterHarness"], swiftSettings: settings),
        // Against the built programs and a real engine: run deploy/test.
        .testTarget(
            name: "LiveTests", dependencies: ["llama-swap-stand-in", "RouterHarness"], exclude: ["openai_client.py"],
            swiftSettings: settings),
    ]
)

// swift-tools-version: 6.2
import PackageDescription

// One target is one room of the house; a room imports only rooms that stand above it in this list.
let package = Package(
    name: "daybook",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "daybook", targets: ["daybook"]),
        .library(name: "DaybookClient", targets: ["DaybookClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: [.defaults, "YAML"]),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/onevcat/Rainbow", from: "4.2.2"),
    ],
    targets: [
        // Thin C faces of system libraries, nothing else.
        .target(name: "CSimdJSON", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CChecksum"),
        .target(name: "CSearch"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CDeflate", providers: [.apt(["libdeflate-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["libz-dev"])]),
        .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),

        // The pipeline, from the event to its lookups.
        .target(name: "EventModel", dependencies: ["CSimdJSON"]),
        .target(name: "Pipelines", dependencies: ["EventModel", "Yams"]),
        .target(
            name: "Journal",
            dependencies: [
                "EventModel", "CChecksum", "CLinux", .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "EventStore",
            dependencies: [
                "EventModel", "Journal", "CChecksum", "CDeflate", "CLinux", "CSearch", .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "Archive",
            dependencies: [
                "EventModel", "Journal", "EventStore", "CChecksum", "CCurl", "CDeflate", "CLinux", "CSearch",
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "AccessControl",
            dependencies: ["EventModel", .product(name: "GRDB", package: "GRDB.swift"), .product(name: "Crypto", package: "swift-crypto")]),
        .target(
            name: "Collectors",
            dependencies: [
                "EventModel", "Pipelines", "Journal", "AccessControl", "CZlib", .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        .target(
            name: "QueryAPI",
            dependencies: [
                "EventModel", "Journal", "EventStore", "Archive", "AccessControl", "Collectors",
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .target(
            name: "DaybookServer",
            dependencies: [
                "EventModel", "Pipelines", "Journal", "EventStore", "Archive", "AccessControl", "Collectors", "QueryAPI",
                .product(name: "Hummingbird", package: "hummingbird"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Configuration", package: "swift-configuration"), "Yams",
            ]),
        .target(name: "DaybookClient", dependencies: ["CCurl"]),
        .executableTarget(
            name: "daybook",
            dependencies: [
                "CLinux", "EventModel", "Pipelines", "Archive", "DaybookServer", "DaybookClient", "Rainbow",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ]),

        // What tests of several rooms need.
        .target(name: "TestSupport", dependencies: ["EventModel", "CZlib"], path: "Tests/TestSupport"),
        .testTarget(name: "EventModelTests", dependencies: ["EventModel", "TestSupport"]),
        .testTarget(name: "PipelinesTests", dependencies: ["Pipelines"]),
        .testTarget(name: "JournalTests", dependencies: ["Journal", "TestSupport"]),
        .testTarget(name: "EventStoreTests", dependencies: ["EventStore", "TestSupport"]),
        .testTarget(
            name: "ArchiveTests",
            dependencies: ["Archive", "TestSupport", "CZlib", .product(name: "Crypto", package: "swift-crypto")]),
        .testTarget(name: "CollectorsTests", dependencies: ["Collectors", "TestSupport", "CZlib"]),
        .testTarget(
            name: "DaybookServerTests",
            dependencies: [
                "DaybookServer", "DaybookClient", "daybook", "TestSupport", .product(name: "HummingbirdTesting", package: "hummingbird"),
            ]),
        .testTarget(name: "DaybookClientTests", dependencies: ["EventModel", "DaybookClient", "daybook", "TestSupport"]),
    ],
    cxxLanguageStandard: .cxx17
)

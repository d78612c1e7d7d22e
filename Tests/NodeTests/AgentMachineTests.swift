import Cluster
import Foundation
import Node
import Testing

struct AgentMachineTests {
    private static let mebibyte = 1_048_576.0

    /// As nvidia-smi prints them with `--query-gpu=name,memory.total --format=csv,noheader,nounits`.
    @Test(
        arguments: [
            ("NVIDIA GeForce RTX 4090, 24564\n", "NVIDIA GeForce RTX 4090", 24564),
            ("NVIDIA L4, 23034\nNVIDIA L4, 23034\n", "2 x NVIDIA L4", 46068),
            (
                "NVIDIA GeForce RTX 3090, 24576\r\nNVIDIA GeForce GTX 1080 Ti, 11264\r\nNVIDIA GeForce RTX 3090, 24576\r\n",
                "2 x NVIDIA GeForce RTX 3090 + NVIDIA GeForce GTX 1080 Ti", 60416
            ),
            ("NVIDIA A100-SXM4-80GB, 81920\n", "NVIDIA A100-SXM4-80GB", 81920),
            // One memory for all, which it does not count.
            ("NVIDIA GB10, [N/A]\n", "NVIDIA GB10", 0), ("Orin (nvgpu), [Not Supported]\n", "Orin (nvgpu)", 0),
            ("A card, with a comma, 100\n", "A card, with a comma", 100),
            ("No devices were found\n", nil, 0), ("", nil, 0), ("\n\n", nil, 0), (", 100\n", nil, 0),
            (
                "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest "
                    + "NVIDIA driver is installed and running.\n", nil, 0
            ),
            ("Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.54\n", nil, 0),
        ] as [(String, String?, Double)])
    func `What nvidia-smi says is read`(output: String, title: String?, mebibytes: Double) {
        let cards = GraphicsCard.nvidia(output)
        #expect(GraphicsCard.title(cards) == title)
        #expect(cards.reduce(0) { $0 + $1.memory } == mebibytes * Self.mebibyte)
    }

    private static func card(_ scratch: Scratch, _ name: String, _ files: [String: String]) throws {
        for (file, text) in files { try scratch.put(text + "\n", "class/drm/\(name)/device/\(file)") }
    }

    @Test func `AMD's cards are read from sysfs, and what has no memory of its own is none`() throws {
        let scratch = try Scratch()
        #expect(GraphicsCard.amd(sysRoot: scratch.path) == [])
        try Self.card(
            scratch, "card1",
            ["vendor": "0x1002", "device": "0x744c", "mem_info_vram_total": "25753026560"])
        try Self.card(
            scratch, "card10",
            [
                "vendor": "0x1002", "device": "0x740f", "mem_info_vram_total": "68702699520",
                "product_name": "AMD Instinct MI210",
            ])
        // Integrated: 512 MB set aside.
        try Self.card(
            scratch, "card2", ["vendor": "0x1002", "device": "0x164e", "mem_info_vram_total": "536870912"])
        // Another maker's, an output of a card, and one that says nothing.
        try Self.card(scratch, "card3", ["vendor": "0x10de", "mem_info_vram_total": "25753026560"])
        try Self.card(scratch, "card1-DP-1", ["vendor": "0x1002", "mem_info_vram_total": "25753026560"])
        try Self.card(scratch, "card4", ["vendor": "0x1002"])
        #expect(
            GraphicsCard.amd(sysRoot: scratch.path) == [
                .init(name: "AMD graphics 0x744c", memory: 25_753_026_560),
                .init(name: "AMD Instinct MI210", memory: 68_702_699_520),
            ])
    }

    struct Supplies: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var files: [String: String]
        var power: NodeDescription.Power

        init(_ description: String, _ files: [String: String], _ power: NodeDescription.Power) {
            testDescription = description
            self.files = files
            self.power = power
        }
    }

    static let supplies = [
        Supplies(
            "a laptop on mains",
            [
                "AC/type": "Mains", "AC/online": "1", "BAT0/type": "Battery", "BAT0/status": "Charging",
                "BAT0/capacity": "83", "BAT0/present": "1",
            ], .init(source: .mains, level: 0.83)),
        Supplies(
            "a laptop on battery",
            [
                "AC/type": "Mains", "AC/online": "0", "BAT0/type": "Battery", "BAT0/status": "Discharging",
                "BAT0/capacity": "41", "BAT0/present": "1",
            ], .init(source: .battery, level: 0.41)),
        Supplies(
            "two batteries, one at rest",
            [
                "ADP1/type": "Mains", "ADP1/online": "0", "BAT0/type": "Battery", "BAT0/status": "Not charging",
                "BAT0/capacity": "100", "BAT1/type": "Battery", "BAT1/status": "Discharging", "BAT1/capacity": "50",
            ], .init(source: .battery, level: 0.75)),
        Supplies(
            "USB power, several ports",
            [
                "BAT0/type": "Battery", "BAT0/status": "Charging", "BAT0/capacity": "9",
                "ucsi-source-psy-1/type": "USB", "ucsi-source-psy-1/online": "0", "ucsi-source-psy-1/scope": "System",
                "ucsi-source-psy-2/type": "USB", "ucsi-source-psy-2/online": "1",
            ], .init(source: .mains, level: 0.09)),
        Supplies(
            "a weak supply, the battery running down",
            [
                "AC/type": "Mains", "AC/online": "1", "BAT0/type": "Battery", "BAT0/status": "Discharging",
                "BAT0/capacity": "30",
            ], .init(source: .mains, level: 0.3)),
        Supplies(
            "only a battery that says what it does",
            ["BAT0/type": "Battery", "BAT0/status": "Discharging", "BAT0/capacity": "30"],
            .init(source: .battery, level: 0.3)),
        Supplies(
            "only a battery, full", ["BAT0/type": "Battery", "BAT0/status": "Full", "BAT0/capacity": "100"],
            .init(source: .mains, level: 1)),
        Supplies(
            "a desktop with a mouse",
            [
                "hidpp_battery_0/type": "Battery", "hidpp_battery_0/scope": "Device",
                "hidpp_battery_0/status": "Discharging", "hidpp_battery_0/capacity": "20",
            ], .init(source: .mains)),
        Supplies(
            "an empty bay", ["AC/type": "Mains", "AC/online": "1", "BAT1/type": "Battery", "BAT1/present": "0"],
            .init(source: .mains)),
        Supplies(
            "nonsense", ["BAT0/type": "Battery", "BAT0/capacity": "many", "AC/type": "Mains", "AC/online": "0"],
            .init(source: .mains)),
        Supplies("no kernel that tells", [:], .init(source: .unknown)),
    ]

    @Test(arguments: supplies)
    func `Power is read from sysfs`(supplies: Supplies) throws {
        let scratch = try Scratch()
        for (file, text) in supplies.files { try scratch.put(text + "\n", "class/power_supply/\(file)") }
        #expect(PowerSupply.linux(sysRoot: scratch.path) == supplies.power)
    }

    @Test(arguments: [
        (
            """
            Now drawing from 'AC Power'
             -InternalBattery-0 (id=4653155)\t95%; charging; 0:30 remaining present: true

            """, NodeDescription.Power(source: .mains, level: 0.95)
        ),
        (
            """
            Now drawing from 'Battery Power'
             -InternalBattery-0 (id=21823587)\t100%; discharging; (no estimate) present: true

            """, .init(source: .battery, level: 1)
        ),
        ("Now drawing from 'AC Power'\n", .init(source: .mains)),
        (
            "Now drawing from 'UPS Power'\n -UPS (id=1)\t60%; discharging; 0:20 remaining present: true\n",
            .init(source: .battery, level: 0.6)
        ),
        ("", .init(source: .unknown)),
    ])
    func `What pmset says is read`(output: String, power: NodeDescription.Power) {
        #expect(PowerSupply.pmset(output) == power)
    }
}

namespace Ard.Trainers.Networks;

/// <summary>
/// A built-in architecture: everything that a <see cref="NetworkSpec"/> has to know of it, in one place. The weights that it has at least
/// are the second convolution of each block and the last layer; of small ones everything but what is of one dimension or hardly more.
/// </summary>
internal sealed record Architecture(string Name, Func<NetworkSpec, ImageNetwork> Build, Func<NetworkSpec, long> LeastWeights)
{
    private const string BatchNorm = nameof(NetworkSpec.BatchNorm), Width = nameof(NetworkSpec.Width);
    private static readonly string[] DepthAndWidth = [nameof(NetworkSpec.Depth), Width];

    public static IReadOnlyList<Architecture> All { get; } =
    [
        new("resnet", spec => spec.Depth is 18 or 34 ? new ResNet(spec) : new CifarResNet(spec),
            spec => spec.Depth is 18 or 34 ? FourStages(spec) : ThreeStages(spec, (spec.Depth!.Value - 2) / 6, spec.Width ?? 16L))
        {
            Numbers = DepthAndWidth,
            FitsDepth = depth => depth is 18 or 34 || (depth >= 8 && (depth - 2) % 6 == 0),
            Depths = "18, 34 or 6n+2 (8, 14, 20, 26, 32 …)",
        },
        PreActivation("preactresnet", spec => new PreActResNet(spec)) with { Switches = [BatchNorm, nameof(NetworkSpec.InputShortcut)] },
        Wide("wideresnet", spec => new WideResNet(spec)) with { Switches = [nameof(NetworkSpec.SubBlock1)] },
        new("mobilenetv2", spec => new MobileNetV2(spec), spec => 1280L * spec.Classes),
        new("smallcnn", spec => new SmallCnn(spec), spec =>
        {
            var (width, side) = (spec.Width ?? 16L, spec.ImageSize / 4);
            return 16 * width * (spec.InputChannels + 2 * width) + 200 * width * side * side;
        }) { Numbers = [Width], Switches = [BatchNorm], SmallestImage = 4 },
        new("tinycnn", spec => new TinyCnn(spec), spec =>
        {
            var (width, side) = (spec.Width ?? 16L, (spec.ImageSize + 3) / 4);
            return 9 * width * (spec.InputChannels + 10 * width) + spec.Classes * 4 * width * side * side;
        }) { Numbers = [Width], Switches = [BatchNorm] },
        new("torchvision/resnet", spec => new ImageNetResNet(spec), FourStages)
        { Numbers = DepthAndWidth, FitsDepth = depth => depth is 18 or 34 or 50, Depths = "18, 34 or 50" },
        new("torchvision/mobilenetv2", spec => new ImageNetMobileNetV2(spec), spec => 1280L * spec.Classes),
        PreActivation("robustbench/preactresnet", spec => new RobustBenchPreActResNet(spec)),
        Wide("robustbench/wideresnet", spec => new RobustBenchWideResNet(spec)),
    ];

    /// <summary>The settings that stand as numbers behind its name, in their order.</summary>
    public IReadOnlyList<string> Numbers { get; init; } = [];

    /// <summary>The settings that may be set to true.</summary>
    public IReadOnlyList<string> Switches { get; init; } = [];

    /// <summary>Whether there is one of this depth. Default: it has no depth.</summary>
    public Func<int?, bool> FitsDepth { get; init; } = depth => depth is null;

    public string Depths { get; init; } = "nothing, for it has none to choose";
    public int SmallestImage { get; init; } = 1;

    public bool Takes(string setting) => Numbers.Contains(setting) || Switches.Contains(setting);

    private static Architecture PreActivation(string name, Func<NetworkSpec, ImageNetwork> build) => new(name, build, FourStages)
    { Numbers = DepthAndWidth, FitsDepth = depth => depth is 18 or 34, Depths = "18 or 34" };

    private static Architecture Wide(string name, Func<NetworkSpec, ImageNetwork> build) =>
        new(name, build, spec => ThreeStages(spec, (spec.Depth!.Value - 4) / 6, 16L * spec.WidenFactor!.Value))
        {
            Numbers = [nameof(NetworkSpec.Depth), nameof(NetworkSpec.WidenFactor)],
            FitsDepth = depth => depth >= 10 && (depth - 4) % 6 == 0,
            Depths = "6n+4 (10, 16, 22, 28, 34 …)",
        };

    private static long FourStages(NetworkSpec spec) => Blocks(spec, ResNet.BlockCounts(spec.Depth!.Value), spec.Width ?? 64L);
    private static long ThreeStages(NetworkSpec spec, int blocks, long width) => Blocks(spec, [blocks, blocks, blocks], width);

    private static long Blocks(NetworkSpec spec, int[] counts, long first) =>
        counts.Select((count, stage) => count * 9 * (first << stage) * (first << stage)).Sum()
        + spec.Classes * (first << (counts.Length - 1));
}

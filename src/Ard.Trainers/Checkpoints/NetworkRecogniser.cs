// A specification, or why there is none.
using Proposal = (Ard.Trainers.Networks.NetworkSpec? Spec, string? Why);

namespace Ard.Trainers.Checkpoints;

/// <summary>What network a file's names and shapes look like.</summary>
/// <param name="Spec">The built-in network, without normalisation, which names and shapes do not tell, but where it is part of the
/// definition; null where it is none.</param>
/// <param name="Description">In words: "looks like wideresnet-34-10, 10 classes", or why it is not recognised.</param>
internal sealed record RecognisedNetwork(NetworkSpec? Spec, string Description)
{
    /// <summary>The description after "which", in a sentence.</summary>
    internal string Predicate => Spec is null ? $"is {Description}" : Description;
}

/// <summary>
/// Proposes a <see cref="NetworkSpec"/> from the names and shapes of a state dict: its architecture from the names, depth from the number
/// of blocks, widths and classes from the shapes. Each block's last convolution must have the shape that the proposal gives it, so that a
/// proposal is never much larger than the file.
/// </summary>
internal static class NetworkRecogniser
{
    /// <summary>Proposes the network of a file's tensors, whose names may have a prefix.</summary>
    public static RecognisedNetwork Recognise(IReadOnlyCollection<TensorInfo> tensors)
    {
        if (tensors.Count > ParameterNames.MaximumTensors)
            return new(null, $"not recognised: {tensors.Count} tensors, more than {ParameterNames.MaximumTensors}");
        var shapes = tensors.DistinctBy(tensor => tensor.Name).ToDictionary(tensor => tensor.Name, tensor => tensor.Shape);
        string? reason = null;
        foreach (var candidate in ParameterNames.Candidates(shapes.Keys))
        {
            var state = new Shapes(candidate.ByName.ToDictionary(pair => pair.Key, pair => shapes[pair.Value]));
            var (spec, why) = Propose(state);
            if (spec is not null && !OptionsValidator.Faults(spec).Any())
                return new(spec, $"looks like {spec}, {spec.Classes} classes, {spec.InputChannels} input channel(s)");
            reason ??= why;
        }
        return new(null, $"not recognised: {reason ?? "the names are those of no built-in network"}; a module of your own takes them by "
            + $"{nameof(ModelFile)}.{nameof(ModelFile.Load)}(path, yourModule)");
    }

    private static Proposal Propose(Shapes state)
    {
        if (state.Has("layers.16.conv3.weight") && state.Has("conv2.weight"))
            return MobileNetV2(state, "mobilenetv2", "mobilenetv2", "conv1", "layers.16.conv3", "conv2", "linear");
        if (state.Has("block1.layer.0.conv1.weight"))
            return Wide(
                state, "wideresnet", "a WideResNet", "conv1", static i => $"block{i + 1}.layer.", ".conv1.weight", ".conv2.weight", "fc");
        if (state.Has("layer1.0.conv1.weight") && state.Has("conv1.weight"))
            return state.Has("bn1.weight") ? ResNet(state) : PreActResNet(state);
        if (state.Has("net.0.weight")) return Plain(state);
        if (state.Has("features.0.0.weight") && state.Has("features.18.0.weight"))
            return MobileNetV2(
                state, "torchvision/mobilenetv2", "torchvision's MobileNetV2", "features.0.0", "features.17.conv.2", "features.18.0",
                "classifier.1");
        if (state.Has("layer.0.block.0.conv_0.weight"))
            return Wide(
                state, "robustbench/wideresnet", "RobustBench's WideResNet", "init_conv", static i => $"layer.{i}.block.", ".conv_0.weight",
                ".conv_1.weight", "logits");
        if (state.Has("layer_0.0.conv_2d_1.weight"))
            return Residual(
                state, "robustbench/preactresnet", "RobustBench's PreActResNet", 3, "conv_2d", static i => $"layer_{i}.",
                ".conv_2d_2.weight", "logits", 18, 34);
        return (null, null);
    }

    // The names of its stem, its last bottleneck, the convolution behind it and the last layer tell it.
    private static Proposal MobileNetV2(
        Shapes state, string name, string title, string stem, string last, string head, string classifier) =>
        state[$"{stem}.weight"] is [32, var channels, 3, 3] && state[$"{last}.weight"] is [320, 960, 1, 1]
            && state[$"{head}.weight"] is [1280, 320, 1, 1] && state[$"{classifier}.weight"] is [var classes, 1280]
            ? (Spec(name, classes, channels), null)
            : (null, $"the names are those of {title}, but not its shapes: other widths");

    // The names of its stem, of what stands before the blocks of a stage, of a block's two convolutions and of the last layer.
    private static Proposal Wide(
        Shapes state, string name, string title, string stem, Func<int, string> stage, string first, string second, string last)
    {
        var count = state.Blocks(stage(0), first);
        if (state[$"{stem}.weight"] is not [16, var channels, 3, 3] || state[$"{stage(0)}0{second}"] is not [var width, _, 3, 3]
            || width % 16 != 0)
            return (null, $"the names are those of {title}, but its stem has not 16 channels or its widths are no multiples of 16");
        if (!AreStages(state, width, stage, second, [count, count, count]))
            return (null, $"the names are those of {title}, but its three stages do not go together");
        if (Classified(state, $"{last}.weight", width << 2) is not { } classes)
            return (null, $"the names are those of {title}, but its last layer {last} is missing or of another width");
        var spec = Spec(name, classes, channels) with
        {
            Depth = 6 * count + 4,
            WidenFactor = Int(width / 16),
            SubBlock1 = name == "wideresnet" && state.Has("sub_block1.layer.0.conv1.weight")
                && state.AreBlocks("sub_block1.layer.", ".conv2.weight", count, width, width),
        };
        return (spec.OwnNormalisation(), null);
    }

    // The size of its stem's kernel; the names of its stem, of what stands before the blocks of a stage, of a block's last 3x3 convolution
    // and of the last layer; the depths that there are.
    private static Proposal Residual(
        Shapes state, string name, string title, int kernel, string stem, Func<int, string> stage, string block, string last,
        params int[] depths)
    {
        if (state[$"{stem}.weight"] is not [var width, var channels, var rows, var columns] || rows != kernel || columns != kernel)
            return (null, $"the names are those of {title}, but its stem is no convolution of {kernel}x{kernel}");
        if (Depth(state, width, stage, block, depths) is not { } depth)
            return (null, $"{title} of other blocks or other numbers of blocks than those of depth {string.Join(" and ", depths)}");
        if (Classified(state, $"{last}.weight", width << (depth == 50 ? 5 : 3)) is not { } classes)
            return (null, $"the names are those of {title}, but its last layer {last} is missing or of another width");
        return (Spec(name, classes, channels, depth, width).OwnNormalisation(), null);
    }

    private static Proposal ResNet(Shapes state)
    {
        var bottleneck = state.Has("layer1.0.conv3.weight");
        // With the stem of ImageNet: bottlenecks are ResNet-50's, or of deeper ones, which are not built in.
        if (state["conv1.weight"] is [_, _, 7, 7])
            return Residual(
                state, "torchvision/resnet", "a ResNet for ImageNet", 7, "conv1", Layer, ".conv2.weight", "fc",
                bottleneck ? [50] : [18, 34]);
        if (bottleneck) return (null, "a ResNet of bottleneck blocks for CIFAR (ResNet-50 and deeper), which is not built in");
        if (state.Has("layer4.0.conv1.weight"))
            return state.Has("layer2.0.shortcut.1.weight")
                ? Residual(state, "resnet", "a ResNet", 3, "conv1", Layer, ".conv2.weight", "linear", 18, 34)
                : (null, "a ResNet whose shortcuts have no BatchNorm");
        if (state["conv1.weight"] is not [var width, var channels, 3, 3])
            return (null, "the names are those of a ResNet, but its stem is no convolution of 3x3 or 7x7");
        var count = state.Blocks("layer1.", ".conv1.weight");
        if (state.Has("layer2.0.shortcut.0.weight") || state.Has("layer2.0.downsample.0.weight"))
            return (null, $"a ResNet-{6 * count + 2} with projections as shortcuts (option B): the built-in one has option A");
        if (!AreStages(state, width, Layer, ".conv2.weight", [count, count, count]))
            return (null, "the names are those of a ResNet of the 6n+2 family, but its three stages do not go together");
        return Classified(state, "linear.weight", width << 2) is { } number
            ? (Spec("resnet", number, channels, 6 * count + 2, width, usualWidth: 16), null)
            : (null, "the names are those of a ResNet, but its last layer is missing or of another width");
    }

    private static Proposal PreActResNet(Shapes state)
    {
        if (state.Has("layer1.0.conv3.weight")) return (null, "a PreActResNet of bottleneck blocks, which is not built in");
        if (!state.Has("layer1.0.bn1.weight")) return (null, "a PreActResNet whose blocks have no BatchNorm");
        if (state.Has("layer2.0.shortcut.1.weight") || state.Has("layer2.0.downsample.1.weight"))
            return (null, "a PreActResNet whose shortcuts have a BatchNorm");
        var (spec, why) = Residual(state, "preactresnet", "a PreActResNet", 3, "conv1", Layer, ".conv2.weight", "linear", 18, 34);
        return (spec is null ? null : spec with { BatchNorm = state.Has("bn.weight") }, why);
    }

    // The two plain networks, by the shapes of their convolutions and linear layers in the order of their numbers.
    private static Proposal Plain(Shapes state)
    {
        var layers = state.Numbered("net.", ".weight");
        var batchNorm = layers.Any(shape => shape.Count == 1);
        long[][] weights = [.. layers.Where(shape => shape.Count > 1).Select(shape => shape.ToArray())];
        switch (weights)
        {
            case [[var width, var channels, 4, 4], [var second, _, 4, 4], [100, var features], [var classes, 100]]
                when second == 2 * width && Side(features, second) is { } side:
                return Sized("smallcnn", classes, channels, width, side);
            case [[var width, var channels, 3, 3], [var second, _, 3, 3], [var third, _, 3, 3], [var classes, var features]]
                when second == 2 * width && third == 4 * width && Side(features, third) is { } side:
                return Sized("tinycnn", classes, channels, width, side);
            default: return (null, "a plain sequence of layers, but not that of smallcnn or tinycnn");
        }

        Proposal Sized(string name, long classes, long channels, long width, int side) => (
            Spec(name, classes, channels, null, width, usualWidth: 16) with { BatchNorm = batchNorm, ImageSize = 4 * side }, null);

        // The side of the square image that is left before the linear layer.
        static int? Side(long features, long channels)
        {
            if (channels <= 0 || features % channels != 0) return null;
            var side = (long)Math.Sqrt(features / channels);
            return side > 0 && side * side == features / channels ? Int(side) : null;
        }
    }

    private static string Layer(int stage) => $"layer{stage + 1}.";

    // Which of the depths has the numbers of blocks that there are.
    private static int? Depth(Shapes state, long width, Func<int, string> before, string after, params int[] depths) => depths
        .Where(depth => AreStages(state, width, before, after, Networks.ResNet.BlockCounts(depth))).Cast<int?>().FirstOrDefault();

    // Whether there are just so many blocks of each stage, each stage twice as wide as the one before.
    private static bool AreStages(Shapes state, long width, Func<int, string> before, string after, int[] counts) =>
        Enumerable.Range(0, counts.Length).All(i => state.AreBlocks(before(i), after, counts[i], width << i, width << i));

    private static long? Classified(Shapes state, string name, long features) =>
        state[name] is [var classes, var found] && found == features ? classes : null;

    private static NetworkSpec Spec(
        string name, long classes, long channels, int? depth = null, long? width = null, int usualWidth = 64) => new()
        {
            Name = name,
            Classes = Int(classes),
            InputChannels = Int(channels),
            ImageSize = NetworkSpec.UsualSize(name),
            Depth = depth,
            Width = width is { } own && own != usualWidth ? Int(own) : null,
        };

    // Sizes beyond an int are beyond every network too, and the specification's own check refuses them.
    private static int Int(long value) => (int)Math.Clamp(value, 0, int.MaxValue);

    /// <summary>Shapes by the names that are meant.</summary>
    private sealed class Shapes(Dictionary<string, IReadOnlyList<long>> byName)
    {
        public IReadOnlyList<long>? this[string name] => byName.GetValueOrDefault(name);

        public bool Has(string name) => byName.ContainsKey(name);

        /// <summary>How many of the names {before}0{after}, {before}1{after} … there are, without a gap.</summary>
        public int Blocks(string before, string after)
        {
            var count = 0;
            while (Has($"{before}{count}{after}")) count++;
            return count;
        }

        /// <summary>Whether there are just so many of them, each a 3x3 convolution of that shape.</summary>
        public bool AreBlocks(string before, string after, int count, long input, long output) =>
            count > 0 && Blocks(before, after) == count && Enumerable.Range(0, count).All(i =>
                this[$"{before}{i}{after}"] is [var o, var n, 3, 3] && o == output && n == input);

        /// <summary>Shapes of {before}N{after} by the number N.</summary>
        public IReadOnlyList<long>[] Numbered(string before, string after) =>
        [
            .. from pair in byName
               where pair.Key.StartsWith(before, StringComparison.Ordinal) && pair.Key.EndsWith(after, StringComparison.Ordinal)
                   && pair.Key.Length > before.Length + after.Length
               let number = pair.Key[before.Length..^after.Length]
               where number.Length < 4 && number.All(char.IsAsciiDigit)
               orderby int.Parse(number)
               select pair.Value,
        ];
    }
}

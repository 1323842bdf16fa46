namespace Ard.Trainers.Tests.Evaluation;

public sealed class CorruptionTests
{
    private static Tensor Apply(string name, Tensor images, int severity = 3, long seed = 1) =>
        Corruption.Apply(name, images, severity, new PointNoise(seed, PointNoise.Rows(images.shape[0])));

    // Smooth pictures with some edges, as photographs are.
    private static Tensor Pictures(int count = 6, int channels = 3, int height = 32, int width = 32)
    {
        var x = arange(width).to(ScalarType.Float32).div(width).reshape(1, 1, 1, -1);
        var y = arange(height).to(ScalarType.Float32).div(height).reshape(1, 1, -1, 1);
        var which = arange(count * channels).to(ScalarType.Float32).reshape(count, channels, 1, 1);
        var waves = sin(6.28 * x * (1 + which % 3) + which) * cos(6.28 * y + which) * 0.3;
        return (waves + 0.5 + 0.15 * (x > 0.5) - 0.1 * (y > 0.7)).clamp(0, 1);
    }

    private static double Error(Tensor one, Tensor other) => (one - other).abs().mean().item<float>();

    public static TheoryData<string> Names => [.. Corruption.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_gives_images_of_bytes_which_seed_and_place_decide_and_changes_more_at_a_higher_severity(string name)
    {
        using var scope = NewDisposeScope();
        foreach (var images in new[] { Pictures(), Pictures(channels: 1, height: 28, width: 20) })
        {
            var changed = Enumerable.Range(1, 5).Select(severity => Apply(name, images, severity)).ToArray();
            foreach (var each in changed)
            {
                Assert.Equal(images.shape, each.shape);
                Assert.Equal(ScalarType.Float32, each.dtype);
                Assert.True(each.ge(0).logical_and(each.le(1)).all().item<bool>());
                Assert.Equal(0, Error(each * 255, (each * 255).round()), 1e-4);
            }
            // Frost also darkens, and the points of an elastic transform are pulled less where the rest is pulled more.
            if (name is not ("frost" or "elastic_transform"))
                Assert.True(Error(changed[4], images) > 1.2 * Error(changed[0], images), name);
            Assert.True(Error(changed[0], images) < 0.2 && Error(changed[4], images) > 0.01, $"{name} {Error(changed[4], images)}");
            // Of bytes the same, in another batch the same, with the same seed the same.
            var bytes = (images * 255).round().to(ScalarType.Byte);
            var all = Apply(name, bytes, 3, seed: 7);
            Assert.True(all.eq(Apply(name, bytes, 3, seed: 7)).all().item<bool>());
            var some = Corruption.Apply(name, bytes[2..4], 3, new PointNoise(7, [2, 3]));
            Assert.True(Error(some, all[2..4]) < 1e-3, name);
            Assert.Equal([0, .. images.shape[1..]], Apply(name, images[..0]).shape);
        }
    }

    [Fact]
    public void Noise_has_the_spread_that_it_is_to_have()
    {
        using var scope = NewDisposeScope();
        var grey = full(20, 3, 32, 32, 0.5f);
        Assert.Equal(0.08, Apply("gaussian_noise", grey, 3).std().item<float>(), 2e-3);
        // Poisson's: the variance of the counts is their mean.
        Assert.Equal(Math.Sqrt(0.5 / 100), Apply("shot_noise", grey, 3).std().item<float>(), 2e-3);
        Assert.Equal(0.5, Apply("shot_noise", grey, 1).mean().item<float>(), 3e-3);
        var struck = Apply("impulse_noise", grey, 5);
        Assert.Equal(0.035, struck.eq(0).to(ScalarType.Float32).mean().item<float>(), 4e-3);
        Assert.Equal(0.035, struck.eq(1).to(ScalarType.Float32).mean().item<float>(), 4e-3);
    }

    [Theory]
    [InlineData("defocus_blur")]
    [InlineData("glass_blur")]
    [InlineData("motion_blur")]
    [InlineData("zoom_blur")]
    [InlineData("elastic_transform")]
    [InlineData("pixelate")]
    [InlineData("contrast")]
    [InlineData("jpeg_compression")]
    public void What_moves_pixels_about_leaves_one_colour_as_it_is(string name)
    {
        using var scope = NewDisposeScope();
        var colour = tensor(new[] { 0.2f, 0.6f, 0.8f }).reshape(1, 3, 1, 1).expand(2, 3, 24, 32).contiguous();
        foreach (var severity in new[] { 1, 5 })
            Assert.True((Apply(name, colour, severity) - colour).abs().max().item<float>() < 2.1 / 255, name);
    }

    [Fact]
    public void Closed_forms_hold()
    {
        using var scope = NewDisposeScope();
        var images = Pictures();
        static Tensor Bytes(Tensor images) => (images.clamp(0, 1) * 255 + 1e-3).floor() / 255;
        void Close(Tensor expected, Tensor found) => Assert.True((expected - found).abs().max().item<float>() < 1.1 / 255);

        var mean = images.mean([2, 3], keepdim: true);
        Close(Bytes((images - mean) * 0.4 + mean), Apply("contrast", images, 3));
        // Of a grey picture the value is the picture.
        Close(Bytes(images[.., ..1] + 0.2), Apply("brightness", images[.., ..1], 4));
        // Hue and saturation stay: the channels keep their proportion.
        var brighter = Apply("brightness", images * 0.5, 2);
        Close(Bytes(images * 0.5 * (images * 0.5).amax([1], true).add(0.1) / (images * 0.5).amax([1], true)), brighter);
        // 32 pixels to 24 (0.75) and back: every fourth pair of columns becomes one.
        var ramp = arange(32).to(ScalarType.Float32).div(40).reshape(1, 1, 1, 32).expand(1, 1, 32, 32);
        Assert.Equal(24, Apply("pixelate", ramp, 4)[0, 0, 0].data<float>().ToArray().Distinct().Count());
        // The disk of radius 1.5 is a square of nine, hardly softened.
        var point = zeros(1, 1, 21, 21);
        point[0, 0, 10, 10] = 1f;
        var disk = Apply("defocus_blur", point, 5);
        Assert.Equal(9, disk.gt(0.05).sum().item<long>());
        Close(full(1, 1, 3, 3, 1f / 9), disk[.., .., 9..12, 9..12]);
        // A line from the pixel to one side: what is to its other side is untouched.
        var streak = Apply("motion_blur", point, 5);
        Assert.InRange(streak.gt(0).sum().item<long>(), 4, 10);
        Assert.InRange(streak.sum().item<float>(), 0.9f, 1f);
        Assert.Equal(0, streak[.., .., .., 11..].sum().item<float>());
    }

    [Fact]
    public void The_loss_of_JPEG_is_that_of_its_table()
    {
        using var scope = NewDisposeScope();
        // The shortest wave of a block of brightness: its coefficient is rounded to a multiple of 61 at quality 50, the table's own.
        var x = arange(8).to(ScalarType.Float32);
        var wave = cos((2 * x + 1) * (7 * Math.PI / 16)) * 0.5;
        foreach (var (coefficient, rounded) in new[] { (200.0, 183.0), (25.0, 0.0), (320.0, 305.0) })
        {
            var block = (wave * (coefficient * Math.Sqrt(0.125)) + 128) / 255;
            var found = JpegLoss.Apply(block.reshape(1, 1, 1, 8).expand(1, 1, 16, 8).tile([1, 1, 1, 2]).contiguous(), 50);
            var expected = (wave * (rounded * Math.Sqrt(0.125)) + 128) / 255;
            Assert.True((found[0, 0, 3, ..8] - expected).abs().max().item<float>() < 1.6 / 255, $"{coefficient}");
        }
        var images = Pictures();
        Assert.True(Error(JpegLoss.Apply(images, 95), images) < Error(JpegLoss.Apply(images, 40), images));
    }

    [Fact]
    public void What_is_no_corruption_or_no_picture_is_refused()
    {
        using var scope = NewDisposeScope();
        Assert.Contains("no corruption 'rain': expected gaussian_noise", Assert.Throws<ArgumentException>(
            () => Apply("rain", Pictures())).Message);
        Assert.Contains("severity is 6", Assert.Throws<ArgumentException>(() => Apply("fog", Pictures(), 6)).Message);
        Assert.Contains("shape [2,3,8,32]", Assert.Throws<ArgumentException>(() => Apply("fog", zeros(2, 3, 8, 32))).Message);
    }
}

public sealed class CorruptionReportTests
{
    private static readonly CorruptionReport Half = new(
        10, 9, [new("fog", 1, 8), new("fog", 2, 6), new("snow", 1, 5), new("snow", 2, 1)]);

    [Fact]
    public void Means_are_those_of_corruptions_and_the_corruption_error_is_in_units_of_the_baseline()
    {
        Assert.Equal((0.7, 0.3, 0.5), (Half.Accuracy("fog"), Half.Accuracy("snow"), Half.MeanAccuracy));
        var baseline = new CorruptionReport(10, 9, [new("fog", 1, 5), new("fog", 2, 3), new("snow", 1, 3), new("snow", 2, 3)]);
        // Fog 0.3 of 0.6, snow 0.7 of 0.7.
        Assert.Equal((0.5 + 1) / 2, Half.MeanCorruptionError(baseline), 1e-12);
        Assert.Contains("found fog, snow", Assert.Throws<KeyNotFoundException>(() => Half.Accuracy("frost")).Message);
        Assert.Contains("[fog], expected [fog, snow]", Assert.Throws<ArgumentException>(
            () => Half.MeanCorruptionError(new(10, 9, [new("fog", 1, 5), new("fog", 2, 3)]))).Message);
        Assert.Contains("no error under snow", Assert.Throws<ArgumentException>(() => Half.MeanCorruptionError(
            new(10, 9, [new("fog", 1, 5), new("fog", 2, 3), new("snow", 1, 10), new("snow", 2, 10)]))).Message);
    }

    [Fact]
    public void It_is_read_as_it_was_written_and_nothing_else_is()
    {
        var file = EvaluationProblem.File("corruptions.json");
        File.WriteAllText(file, Half.ToJson());
        Assert.Equal(Half.ToJson(), CorruptionReport.Read(file).ToJson());
        foreach (var json in new[] { "{}", "null", """{"images":0,"cleanCount":0,"results":[]}""", Half.ToJson().Replace("8", "11") })
        {
            File.WriteAllText(file, json);
            Assert.Contains("expected a report on corruptions", Assert.Throws<FormatException>(() => CorruptionReport.Read(file)).Message);
        }
    }

    [Fact]
    public void A_network_is_asked_of_the_images_that_are_made_here_or_those_of_the_files()
    {
        using var scope = NewDisposeScope();
        using var data = Glyphs.Generate(60, seed: 3);
        var network = LinearNetwork.Random(256, 10, seed: 2);
        var labels = network.call((data.Images.to(ScalarType.Float32) / 255).reshape(60, -1)).argmax(1);
        string[] names = ["gaussian_noise", "contrast", "frost"];
        var report = CorruptionReport.Evaluate(network, data.Images, labels, names, seed: 5);
        Assert.Equal((60, 60), (report.Images, report.CleanCount));
        Assert.Equal(names.SelectMany(name => Enumerable.Range(1, 5).Select(severity => (name, severity))),
            report.Results.Select(result => (result.Name, result.Severity)));
        Assert.True(report.Accuracy("frost") < 0.9, $"{report.Accuracy("frost")}");

        // The same images in files of the form of CIFAR-10-C: [5N,H,W,C] of bytes, and labels.npy.
        var folder = Path.GetDirectoryName(EvaluationProblem.File("x"))!;
        foreach (var (name, place) in names.Select(name => (name, Corruption.Names.ToList().IndexOf(name))))
            Save(Path.Combine(folder, name + ".npy"), cat([.. Enumerable.Range(1, 5).Select(severity => Corruption.Apply(
                name, data.Images, severity, new PointNoise(5 * 1000 + place * 10 + severity, PointNoise.Rows(60))))])
                .mul(255).round().to(ScalarType.Byte).permute(0, 2, 3, 1).contiguous());
        Save(Path.Combine(folder, "labels.npy"), labels.repeat(5).to(ScalarType.Byte));
        var read = CorruptionReport.Evaluate(network, data.Images, labels, names, folder);
        Assert.Equal(report.ToJson(), read.ToJson());
        // Of fewer images the first of each severity.
        var few = CorruptionReport.Evaluate(network, data.Images[..7], labels[..7], names, folder);
        Assert.Equal(CorruptionReport.Evaluate(network, data.Images[..7], labels[..7], names, seed: 5).ToJson(), few.ToJson());
        Assert.Contains("5 times the labels of the 60 clean images", Assert.Throws<DataFileException>(
            () => CorruptionReport.Evaluate(network, data.Images, (labels + 1) % 10, names, folder)).Message);
        Assert.Contains("expected some of gaussian_noise", Assert.Throws<ArgumentException>(
            () => CorruptionReport.Evaluate(network, data.Images, labels, ["rain"])).Message);
    }

    // Version 1.0 of the format: a header that is padded to a multiple of 64 bytes, and the bytes.
    private static void Save(string path, Tensor bytes)
    {
        var shape = string.Join(", ", bytes.shape) + (bytes.dim() == 1 ? "," : "");
        var header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}";
        header = header.PadRight(117) + "\n";
        using var file = File.Create(path);
        file.Write([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0, (byte)header.Length, 0]);
        file.Write(System.Text.Encoding.ASCII.GetBytes(header));
        file.Write(bytes.bytes);
    }
}

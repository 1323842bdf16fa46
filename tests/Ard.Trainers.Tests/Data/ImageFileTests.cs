using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Ard.Trainers.Tensors;
using Ard.Trainers.Tests.Training;

namespace Ard.Trainers.Tests.Data;

[Collection("global random state")]
public sealed class ImageFileTests : IDisposable
{
    private readonly DataFolder folder = new();

    private string Path => folder.File("images.ard");

    public void Dispose() => folder.Dispose();

    private static bool Identical(Tensor one, Tensor other) =>
        one.dtype == other.dtype && one.shape.SequenceEqual(other.shape) && one.eq(other).all().item<bool>();

    private ImageDataset Mapped(ImageDataset data)
    {
        data.Save(Path);
        return ImageDataset.Open(Path);
    }

    [Theory]
    [InlineData(ScalarType.Byte)]
    [InlineData(ScalarType.Float32)]
    public void What_is_written_is_mapped_as_it_was(ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var whole = TrainerTests.Data(37);
        using var data = new ImageDataset(
            type == ScalarType.Byte ? whole.Images : whole.Batch(0, 37).Images, whole.Labels.clone(), ["a", "bé", "c"]);
        using var mapped = Mapped(data);
        Assert.Equal(Path, mapped.MappedFrom);
        Assert.Null(data.MappedFrom);
        Assert.Equal(type, mapped.Images.dtype);
        Assert.Equal(data.Images.shape, mapped.Images.shape);
        Assert.True(Identical(data.Images, mapped.Images));
        Assert.True(Identical(data.Labels, mapped.Labels));
        Assert.Equal(data.ClassNames, mapped.ClassNames);
        Assert.Equal(data.PixelDigest(), mapped.PixelDigest());
        Same(data.Batch(tensor(new[] { 5L, 36L, 5L })), mapped.Batch(tensor(new[] { 5L, 36L, 5L })));
        Same(data.Batch(3, 9), mapped.Batch(3, 9));

        // What is made of it, and of the parts of it, when the whole is gone.
        var (kept, drawn) = mapped.Split(8, seed: 3);
        var (keptInMemory, drawnInMemory) = data.Split(8, seed: 3);
        using var nested = kept.Split(5, seed: 4).Drawn;
        using var nestedInMemory = keptInMemory.Split(5, seed: 4).Drawn;
        using var subset = mapped.Subset(tensor(new[] { 7L, 0L }));
        using var moved = mapped.To(CPU);
        mapped.Dispose();
        Same(keptInMemory.Batch(2, 20), kept.Batch(2, 20));
        Same(drawnInMemory.Batch(0, 8), drawn.Batch(0, 8));
        Same(nestedInMemory.Batch(0, 5), nested.Batch(0, 5));
        Same(data.Batch(tensor(new[] { 7L, 0L })), subset.Batch(0, 2));
        Same(data.Batch(0, 37), moved.Batch(0, 37));
        Assert.Equal(Path, kept.MappedFrom);
        Assert.True(Identical(drawnInMemory.Images, drawn.Images));
        Assert.True(Identical(keptInMemory.Images, kept.Images));
        // Parts that were made sets of their own have temporary files, which are gone already where the system allows it.
        Assert.NotEqual(Path, kept.MappedFrom);
        if (!OperatingSystem.IsWindows()) Assert.False(File.Exists(kept.MappedFrom));
        Same(keptInMemory.Batch(2, 20), kept.Batch(2, 20));
        Assert.True(File.Exists(Path));
        kept.Dispose();
        drawn.Dispose();
        keptInMemory.Dispose();
        drawnInMemory.Dispose();

        static void Same((Tensor Images, Tensor Labels) expected, (Tensor Images, Tensor Labels) found)
        {
            Assert.True(Identical(expected.Images, found.Images));
            Assert.True(Identical(expected.Labels, found.Labels));
        }
    }

    [Fact]
    public void Without_labels_it_is_opened_where_there_need_be_none_and_without_some_never()
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(5);
        using (var bare = new ImageDataset(data.Images.clone(), full(5, -1, ScalarType.Int64), data.ClassNames, null)) bare.Save(Path);
        var fault = Assert.Throws<DataFileException>(() => ImageDataset.Open(Path));
        Assert.Contains("expected labels", fault.Message);
        Assert.Contains("found none", fault.Message);
        using (var opened = AuxiliaryData.Load(Path, data.ClassNames).Images!) Assert.False(opened.IsLabelled);
        using (var some = new ImageDataset(data.Images.clone(), data.Labels.sub(1), data.ClassNames, null)) some.Save(Path);
        foreach (var read in new Func<object>[] { () => ImageDataset.Open(Path), () => AuxiliaryData.Load(Path, data.ClassNames) })
            Assert.Contains("expected a label from 0 to 2, found -1", Assert.Throws<DataFileException>(read).Message);
    }

    [Fact]
    public void A_training_from_a_file_is_that_from_memory_bit_for_bit()
    {
        var options = TrainerTests.Options with { CheckpointFolder = folder.File("memory"), Resume = true };
        using var data = TrainerTests.Data();
        var expected = Train(data, options, out var inMemory);
        using var mapped = Mapped(data);
        Assert.Equal(expected, Train(mapped, options with { CheckpointFolder = folder.File("file") }, out var fromFile));
        Assert.Equal(
            inMemory.History.Select(epoch => epoch with { Seconds = 0 }), fromFile.History.Select(epoch => epoch with { Seconds = 0 }));

        // A training that was interrupted may go on where the images are elsewhere.
        using var source = new CancellationTokenSource();
        var stopping = options with { CheckpointFolder = folder.File("both") };
        Assert.Throws<OperationCanceledException>(() => Train(data, stopping, out _, progress =>
        {
            if (progress.Epoch == 2) source.Cancel();
        }, source.Token));
        Assert.Equal(expected, Train(mapped, stopping, out _));

        static byte[] Train(
            ImageDataset data, TrainingOptions options, out TrainingResult result, Action<TrainingProgress>? see = null,
            CancellationToken cancellation = default)
        {
            using var student = TrainerTests.Spec.Build(seed: 3);
            using var teacher = TrainerTests.Teacher();
            result = Trainer.Fit(
                new(student, teacher), TrainerTests.Ard, data, options, progress: see is null ? null : new TrainerTests.Observer(see),
                cancellation: cancellation);
            return TrainerTests.Bytes(student);
        }
    }

    [Theory]
    [InlineData(null, false)]
    [InlineData(23, false)]
    [InlineData(23, true)]
    [InlineData(null, true)]
    [InlineData(7, true)]
    public void Images_that_come_one_by_one_make_the_same_set_wherever_they_are_kept(int? expected, bool inFile)
    {
        using var scope = NewDisposeScope();
        using var data = TrainerTests.Data(23);
        var pixels = data.Images.data<byte>().ToArray();
        foreach (var firstFloat in new int?[] { null, 0, 9 })
        {
            using var collector = new ImageCollector(
                (1, 8, 8), data.ClassNames, null, expected, inFile ? 0 : 1 << 20);
            for (var n = 0; n < 23; n++)
            {
                var image = pixels.AsSpan(64 * n, 64);
                if (n == firstFloat) collector.Add([.. image.ToArray().Select(value => value / 255f)]);
                else collector.Add(image);
            }
            using var collected = collector.Finish(data.Labels.data<long>().ToArray());
            Assert.Equal(inFile, collected.MappedFrom is not null);
            Assert.Equal(firstFloat is null ? ScalarType.Byte : ScalarType.Float32, collected.Images.dtype);
            Assert.True(Identical(data.Batch(0, 23).Images, collected.Batch(0, 23).Images));
            Assert.True(Identical(data.Labels, collected.Labels));
        }
    }

    [Fact]
    public void More_images_than_expected_go_to_a_file()
    {
        using var data = TrainerTests.Data(23);
        var pixels = data.Images.data<byte>().ToArray();
        using var open = new ImageCollector((1, 8, 8), data.ClassNames, null, expected: 10);
        open.Add(pixels.AsSpan(0, 640));
        open.Add(pixels.AsSpan(640));
        using var collected = open.Finish(data.Labels.data<long>().ToArray());
        Assert.NotNull(collected.MappedFrom);
        Assert.True(Identical(data.Images, collected.Images));
    }

    [Fact]
    public void A_temporary_file_is_gone_with_its_data_set_and_one_that_failed_leaves_none()
    {
        if (OperatingSystem.IsWindows()) return;
        using var data = TrainerTests.Data(23);
        string? path;
        using (var collector = new ImageCollector((1, 8, 8), data.ClassNames, null, null, mostInMemory: 0))
        {
            collector.Add(data.Images.data<byte>().ToArray());
            using var collected = collector.Finish(data.Labels.data<long>().ToArray());
            path = collected.MappedFrom!;
        }
        Assert.Empty(Directory.GetFiles(System.IO.Path.GetTempPath(), System.IO.Path.GetFileName(path) + "*"));
        using (var collector = new ImageCollector((1, 8, 8), data.ClassNames, Path, null))
        {
            collector.Add(data.Images.data<byte>().ToArray());
            Assert.Single(Directory.GetFiles(folder.Root));
        }
        Assert.Empty(Directory.GetFiles(folder.Root));
    }

    [Fact]
    public void A_folder_in_place_of_the_file_is_refused_before_an_image_is_written() => Assert.Equal(
        $"'{folder.Root}' is a folder, expected a file.",
        Assert.Throws<IOException>(() => new ImageFile.Writer(folder.Root, ScalarType.Byte, (1, 8, 8), ["a", "b"])).Message);

    [Fact]
    public void A_temporary_file_that_cannot_be_mapped_is_gone()
    {
        // More than any file can have: libtorch makes one longer that is too short.
        using var writer = new ImageFile.Writer(null, ScalarType.Byte, (1 << 20, 1 << 20, 1 << 20), ["a", "b"]);
        var fault = Assert.ThrowsAny<ExternalException>(() => writer.Finish(zeros([1], ScalarType.Int64)));
        var name = Regex.Match(fault.Message, "ard-images-[0-9a-f]+").Value;
        Assert.NotEmpty(name);
        Assert.Empty(Directory.GetFiles(System.IO.Path.GetTempPath(), name + "*"));
    }

    [Theory]
    [InlineData(400, 1024)]
    [InlineData(102_400, 64)]   // small ones, around each of which much more is mapped
    public void Of_a_large_file_no_more_than_a_part_counts_as_memory_of_the_process(int images, int side)
    {
        if (!OperatingSystem.IsLinux()) return;
        using var collector = new ImageCollector((1, side, side), ["a", "b"], null, images, mostInMemory: 0);
        var pixels = new byte[side * side];
        for (var n = 0; n < images; n++)
        {
            pixels.AsSpan().Fill((byte)n);
            collector.Add(pixels);
        }
        using var data = collector.Finish([.. Enumerable.Range(0, images).Select(n => n % 2L)]);
        long most = 0;
        using var scope = NewDisposeScope();
        foreach (var numbers in randperm(images, ScalarType.Int64).split(images / 50))
        {
            using var step = NewDisposeScope();
            Assert.True(data.Batch(numbers).Images.amax([1, 2, 3]).mul(255).round().eq(numbers.remainder(256)).all().item<bool>());
            most = Math.Max(most, Mapped());
        }
        Assert.InRange(most, 32, 300);
        Assert.Equal(TensorDigest.Compute(data.Images), data.PixelDigest());
        Assert.InRange(Mapped(), 0, 300);

        // Megabytes of the mapping that are this process's.
        long Mapped() => File.ReadLines("/proc/self/smaps").SkipWhile(line => !line.Contains(data.MappedFrom!, StringComparison.Ordinal))
            .Where(line => line.StartsWith("Rss:", StringComparison.Ordinal)).Select(line => long.Parse(line[4..^2])).First() / 1024;
    }

    /// <summary>What a damaged or hostile file is refused with: at a byte, by what is expected there and what was found.</summary>
    [Fact]
    public void Of_a_damaged_file_the_fault_is_named()
    {
        using var data = TrainerTests.Data(23);
        data.Save(Path);
        var sound = File.ReadAllBytes(Path);
        Assert.Equal(4096 + 23 * 64 + 23 * 8, sound.Length);

        Refused(0, "begins with ARDIMAGE", "", bytes => bytes[0] = 0);
        Refused(8, "version 1", "2", bytes => bytes[8] = 2);
        Refused(12, "a multiple of 4096", "5000", bytes => Put(bytes, 12, 5000));
        Refused(12, "a multiple of 4096", "-4096", bytes => Put(bytes, 12, -4096));
        Refused(12, "a multiple of 4096", $"{1 << 20}", bytes => Put(bytes, 12, 1 << 20));
        Refused(16, "1 or 4 bytes a value", "2", bytes => Put(bytes, 16, 2));
        Refused(20, "positive sizes", "23 images of -1x8x8", bytes => Put(bytes, 20, -1));
        // Products that no machine holds, and that leave 64 bits.
        Refused(32, "23 images of 2147483647x2147483647x8", $"a file of {sound.Length}", bytes =>
        {
            Put(bytes, 20, int.MaxValue);
            Put(bytes, 24, int.MaxValue);
        });
        Refused(32, "22 images", $"a file of {sound.Length}", bytes => bytes[32] = 22);
        Refused(72, "2 or more classes", "1", bytes => Put(bytes, 72, 1));
        Refused(72, "2 or more classes", $"{int.MaxValue}", bytes => Put(bytes, 72, int.MaxValue));
        Refused(80, "the name of class 0", "one of 70000 bytes", bytes => Put(bytes, 76, 70000));
        Refused(4096 + 23 * 64 + 8, "a label from 0 to 2", "3", bytes => bytes[4096 + 23 * 64 + 8] = 3);
        Refused(40, "", "it is damaged", bytes => bytes[4096] ^= 1);
        Refused(40, "", "it is damaged", bytes => bytes[41] ^= 1);
        Refused(32, "23 images", $"a file of {sound.Length - 1}", bytes => { }, sound.Length - 1);
        Refused(32, "23 images", $"a file of {sound.Length + 1}", bytes => { }, sound.Length + 1);

        File.Delete(Path);
        DataFolder.AssertFault(Path, 0, "a file", "none", () => ImageDataset.Open(Path));

        void Refused(long offset, string expected, string found, Action<byte[]> damage, int? length = null)
        {
            var bytes = sound.ToArray();
            damage(bytes);
            Array.Resize(ref bytes, length ?? bytes.Length);
            File.WriteAllBytes(Path, bytes);
            DataFolder.AssertFault(Path, offset, expected, found, () => ImageDataset.Open(Path).Dispose());
        }

        static void Put(byte[] bytes, int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), value);
    }

    [Fact]
    public void Floats_beyond_the_unit_range_are_refused_even_where_the_digest_is_right()
    {
        using var scope = NewDisposeScope();
        using var data = new ImageDataset(rand(4, 1, 8, 8), arange(4) % 2, ["a", "b"]);
        data.Save(Path);
        foreach (var value in new[] { 1.5f, -0.25f, float.NaN })
        {
            var bytes = File.ReadAllBytes(Path);
            BitConverter.TryWriteBytes(bytes.AsSpan(4096 + 40), value);
            bytes.AsSpan(40, 32).Clear();
            SHA256.HashData([.. bytes[4096..], .. bytes[..4096]]).CopyTo(bytes, 40);
            File.WriteAllBytes(Path, bytes);
            DataFolder.AssertFault(Path, 4096 + 40, "a pixel in [0,1]", $"{value}", () => ImageDataset.Open(Path).Dispose());
        }
    }
}

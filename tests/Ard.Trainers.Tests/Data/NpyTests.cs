using static Ard.Trainers.Tests.Data.CifarPythonTests;

namespace Ard.Trainers.Tests.Data;

/// <summary>Arrays by NumPy itself: see Fixtures/make_data_fixtures.py.</summary>
public sealed class NpyTests
{
    private static readonly byte[] Gray = [.. Enumerable.Range(0, 80).Select(i => (byte)(i * 7))];
    private static readonly byte[] Colour = [.. Enumerable.Range(0, 240).Select(i => (byte)(i * 11))];

    // [4,4,5,3] to [4,3,4,5].
    private static byte[] Planes => [.. from n in Enumerable.Range(0, 4)
                                        from c in Enumerable.Range(0, 3)
                                        from place in Enumerable.Range(0, 20)
                                        select Colour[n * 60 + place * 3 + c]];

    [Fact]
    public void An_archive_is_read_by_the_names_of_its_arrays()
    {
        using var test = ImageDataset.Load(Fixture("mnist-like.npz"), DataSplit.Test);
        Assert.Equal([4, 1, 4, 5], test.Images.shape);
        Assert.Equal(Gray, test.Images.data<byte>().ToArray());
        Assert.Equal([0, 2, 1, 2], test.Labels.data<long>().ToArray());
        // The largest label, 3, is in the other split.
        Assert.Equal(["0", "1", "2", "3"], test.ClassNames);
        using var train = ImageDataset.Load(Fixture("mnist-like.npz"), DataSplit.Train, classes: 10);
        Assert.Equal([3, 0, 1, 2], train.Labels.data<long>().ToArray());
        Assert.Equal(10, train.Classes);
        Assert.Equal(Gray[^20..], train.Images.data<byte>().ToArray()[..20]);
    }

    [Fact]
    public void Channels_may_come_last_and_archives_be_compressed()
    {
        foreach (var split in Enum.GetValues<DataSplit>())
        {
            using var data = Npy.Load(Fixture("packed.npz"), split);
            Assert.Equal([4, 3, 4, 5], data.Images.shape);
            Assert.Equal(Planes, data.Images.data<byte>().ToArray());
            Assert.Equal(3, data.Classes);
        }
    }

    [Fact]
    public void An_array_of_several_pieces_is_read_whole_and_a_longer_one_than_memory_allows_is_refused()
    {
        using var folder = new DataFolder();
        // 18 MB, where a piece has 16.
        const int Count = 18_000;
        byte[] pixels = [.. Enumerable.Range(0, Count * 1000).Select(i => (byte)(i * 31 >> 5))];
        Write("images", $"({Count}, 20, 50)", pixels);
        Write("labels", $"({Count},)", [.. Enumerable.Range(0, Count).Select(i => (byte)(i % 3))]);
        using (var data = ImageDataset.Load(folder.Root, DataSplit.Test))
            Assert.True(pixels.AsSpan().SequenceEqual(data.Images.bytes), "the pixels differ");

        Write("images", $"({Npy.MaximumLength / 1000 + 1}, 20, 50)", pixels);
        var fault = Assert.Throws<DataFileException>(() => ImageDataset.Load(folder.Root, DataSplit.Test));
        Assert.Equal($"at most {Npy.MaximumLength} bytes", fault.Expected);
        Write("images", $"({Count}, 20, 50)", pixels[..^1]);
        fault = Assert.Throws<DataFileException>(() => ImageDataset.Load(folder.Root, DataSplit.Test));
        Assert.Equal("1 more byte(s) of elements", fault.Expected);

        void Write(string name, string shape, byte[] elements)
        {
            var header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}";
            header += new string(' ', 63 - (10 + header.Length) % 64) + "\n";
            folder.Write($"{name}.npy", [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, (byte)(header.Length >> 8),
                .. System.Text.Encoding.ASCII.GetBytes(header), .. elements]);
        }
    }

    [Theory]
    [InlineData("channels_last.npy")]
    [InlineData("fortran.npy")]
    [InlineData("whole.npy")]
    public void Every_layout_and_type_of_elements_gives_the_same_images(string name)
    {
        using var data = ImageDataset.Load(Fixture(name), DataSplit.Test);
        var (images, _) = data.Batch(0, 4);
        using (images)
        {
            Assert.Equal([4, 3, 4, 5], images.shape);
            var found = images.data<float>().ToArray();
            for (var i = 0; i < Planes.Length; i++) Assert.Equal(Planes[i] / 255f, found[i], 1e-7f);
        }
        var fault = Assert.Throws<DataFileException>(() => ImageDataset.Load(Fixture(name), DataSplit.Train));
        Assert.Contains("arrays for training", fault.Expected);
    }

    [Fact]
    public void A_folder_of_arrays_is_read_by_their_names()
    {
        using var folder = new DataFolder();
        foreach (var (name, file) in new[] { ("x_test.npy", "x_test.npy"), ("y_test.npy", "labels.npy"), ("x_train.npy", "x_test.npy") })
            folder.Write(name, File.ReadAllBytes(Fixture(file)));
        using var test = ImageDataset.Load(folder.Root, DataSplit.Test);
        Assert.Equal(Gray, test.Images.data<byte>().ToArray());
        var fault = Assert.Throws<DataFileException>(() => ImageDataset.Load(folder.Root, DataSplit.Train));
        Assert.Contains("one array of labels [N] with train in its name", fault.Expected);
        Assert.Contains("'x_train' [4,4,5]", fault.Found);
    }

    /// <summary>Test is a word of its own in these, or it is not.</summary>
    [Theory]
    [InlineData("latest_x", false)]
    [InlineData("contest", false)]
    [InlineData("strained-images", false)]
    [InlineData("x_test", true)]
    [InlineData("XTEST", true)]
    [InlineData("testImages", true)]
    [InlineData("testing.images", true)]
    public void A_split_is_a_whole_word_of_a_name(string name, bool saysSplit)
    {
        using var folder = new DataFolder();
        folder.Write($"{name}.npy", File.ReadAllBytes(Fixture("x_test.npy")));
        folder.Write("labels.npy", File.ReadAllBytes(Fixture("labels.npy")));
        using (var single = ImageDataset.Load(folder.File($"{name}.npy"), DataSplit.Test)) Assert.Equal(4, single.Count);
        if (!saysSplit)
        {
            using var all = ImageDataset.Load(folder.Root, DataSplit.Test);
            Assert.Equal(4, all.Count);
            return;
        }
        Assert.Contains(
            "one array of labels [N] with test in its name",
            Assert.Throws<DataFileException>(() => ImageDataset.Load(folder.Root, DataSplit.Test)).Expected);
    }

    [Theory]
    [InlineData("objects.npy", "Python's objects")]
    [InlineData("big_endian.npy", "'>f4'")]
    [InlineData("floats_to_255.npy", "0 to 255")]
    public void What_is_no_array_of_images_is_refused_by_what_is_wrong_with_it(string name, string found)
    {
        using var folder = new DataFolder();
        folder.Write("labels.npy", File.ReadAllBytes(Fixture("labels.npy")));
        var path = folder.Write("images.npy", File.ReadAllBytes(Fixture(name)));
        var fault = Assert.Throws<DataFileException>(() => Npy.Load(path, DataSplit.Test));
        Assert.Equal(path, fault.Path);
        Assert.Contains(found, fault.Found);
    }

    [Fact]
    public void Labels_that_count_from_1_or_do_not_fit_are_refused()
    {
        using var folder = new DataFolder();
        var images = folder.Write("images.npy", File.ReadAllBytes(Fixture("x_test.npy")));
        var sound = File.ReadAllBytes(Fixture("labels.npy"));
        Fault([1, 2, 3, 1], "labels from 0", "1 to 3: they count from 1", null);
        Fault([1, 2, 3, 1], "labels from 0", "1 to 3: they count from 1", 3);
        folder.Write("labels.npy", [.. sound[..^4], 1, 2, 3, 1]);
        using (var named = ImageDataset.Load(images, DataSplit.Test, 4)) Assert.Equal([1, 2, 3, 1], named.Labels.data<long>().ToArray());
        Fault([0, 2, 3, 1], "labels from 0 to 2", "0 to 3", 3);
        Fault([0, 0, 0, 0], "labels of two classes or more", "1", null);

        void Fault(byte[] labels, string expected, string found, int? classes)
        {
            var path = folder.Write("labels.npy", [.. sound[..^4], .. labels]);
            DataFolder.AssertFault(path, 0, expected, found, () => ImageDataset.Load(images, DataSplit.Test, classes));
        }
    }

    [Fact]
    public void A_header_that_promises_a_gigabyte_costs_no_gigabyte()
    {
        using var folder = new DataFolder();
        folder.Write("labels.npy", File.ReadAllBytes(Fixture("labels.npy")));
        var text = System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(Fixture("x_test.npy")));
        var path = folder.Write("images.npy", System.Text.Encoding.Latin1.GetBytes(
            text.Replace("(4, 4, 5), }        ", "(4, 16000, 16000), }", StringComparison.Ordinal)));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("more byte(s) of elements", Assert.Throws<DataFileException>(() => Npy.Load(path, DataSplit.Test)).Expected);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);
    }
}

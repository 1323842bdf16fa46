namespace Ard.Trainers.Tests.Data;

public sealed class IdxTests
{
    private const uint Images = 0x803, Labels = 0x801;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Plain_and_compressed_files_are_read(bool compressed)
    {
        using var folder = new DataFolder();
        var pixels = DataFolder.Pattern(3 * 2 * 5);
        var images = DataFolder.Idx(Images, [3, 2, 5], pixels);
        var labels = DataFolder.Idx(Labels, [3], [9, 0, 4]);
        // The contents tell whether they are compressed, not the name.
        using var data = Idx.Load(folder.Write("a", compressed ? DataFolder.Gzip(images) : images),
            folder.Write("b", compressed ? DataFolder.Gzip(labels) : labels));
        Assert.Equal([3, 1, 2, 5], data.Images.shape);
        Assert.Equal(ScalarType.Byte, data.Images.dtype);
        Assert.Equal(pixels, data.Images.data<byte>().ToArray());
        Assert.Equal([9, 0, 4], data.Labels.data<long>().ToArray());
        Assert.Equal(10, data.Classes);
    }

    [Fact]
    public void A_folder_is_read_by_the_published_names()
    {
        using var folder = new DataFolder();
        folder.Write("train-images-idx3-ubyte", DataFolder.Idx(Images, [1, 1, 1], [7]));
        folder.Write("train-labels-idx1-ubyte.gz", DataFolder.Gzip(DataFolder.Idx(Labels, [1], [1])));
        folder.Write("t10k-images-idx3-ubyte.gz", DataFolder.Gzip(DataFolder.Idx(Images, [2, 1, 1], [8, 9])));
        folder.Write("t10k-labels-idx1-ubyte.gz", DataFolder.Gzip(DataFolder.Idx(Labels, [2], [2, 3])));
        using var train = ImageDataset.Load(folder.Root, DataSplit.Train);
        using var test = Idx.LoadFolder(folder.Root, DataSplit.Test, ImageDataset.FashionMnistClasses);
        Assert.Equal([7], train.Images.data<byte>().ToArray());
        Assert.Equal([2, 3], test.Labels.data<long>().ToArray());
        Assert.Equal("Ankle boot", test.ClassNames[9]);
    }

    [Fact]
    public void There_may_be_any_number_of_classes_and_other_names_of_files()
    {
        using var folder = new DataFolder();
        folder.Write("emnist-balanced-train-images-idx3-ubyte", DataFolder.Idx(Images, [2, 1, 1], [7, 8]));
        folder.Write("emnist-balanced-train-labels-idx1-ubyte", DataFolder.Idx(Labels, [2], [0, 46]));
        folder.Write("emnist-balanced-test-images-idx3-ubyte.gz", DataFolder.Gzip(DataFolder.Idx(Images, [1, 1, 1], [9])));
        folder.Write("emnist-balanced-test-labels-idx1-ubyte", DataFolder.Idx(Labels, [1], [5]));
        using var train = ImageDataset.Load(folder.Root, DataSplit.Train);
        Assert.Equal((47, "46"), (train.Classes, train.ClassNames[^1]));
        // Both splits have the same classes.
        using var test = ImageDataset.Load(folder.Root, DataSplit.Test);
        Assert.Equal(47, test.Classes);
        using var said = ImageDataset.Load(folder.Root, DataSplit.Test, classes: 62);
        Assert.Equal(62, said.Classes);
        folder.Write("emnist-letters-test-images-idx3-ubyte", DataFolder.Idx(Images, [1, 1, 1], [9]));
        Assert.Contains("one data set", Assert.Throws<DataFileException>(() => ImageDataset.Load(folder.Root, DataSplit.Test)).Expected);
    }

    [Fact]
    public void A_missing_file_is_refused_with_its_name()
    {
        using var folder = new DataFolder();
        var images = folder.File("train-images-idx3-ubyte");
        DataFolder.AssertFault(images, 0, "a file", "none", () => Idx.LoadFolder(folder.Root, DataSplit.Train));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_fault_of_the_images_is_refused_with_file_offset_expected_found(bool compressed)
    {
        using var folder = new DataFolder();
        var labels = folder.Write("labels", DataFolder.Idx(Labels, [2], [0, 1]));
        var body = DataFolder.Pattern(2 * 3 * 4);

        Fault(DataFolder.Idx(Labels, [2, 3, 4], body), 0, "the magic number 0x00000803 of IDX images", "0x00000801");
        Fault(DataFolder.Idx(0x00000d03, [2, 3, 4], body), 0, "0x00000803", "0x00000d03");
        Fault([0, 0, 8], 3, "1 more byte(s) of the magic number", "the end of the file");
        Fault(DataFolder.Idx(Images, [2, 3], [0, 0]), 14, "2 more byte(s) of the sizes", "the end of the file");
        Fault(DataFolder.Idx(Images, [2, 0, 4], body), 8, "a positive size", "0");
        Fault(DataFolder.Idx(Images, [2, 3, 4], body[..^1]), 16 + body.Length - 1, "1 more byte(s) of pixels", "the end of the file");
        Fault(DataFolder.Idx(Images, [2, 3, 4], [.. body, 0]), 16 + body.Length, "the end of the file", "more bytes");
        // Sizes whose product overflows 64 bits, and 32 bits, and is only too large.
        const string Most = "at most 1073741824 bytes of images";
        Fault(DataFolder.Idx(Images, [2, uint.MaxValue, uint.MaxValue], body), 4, Most, "2 x 4294967295 x 4294967295");
        Fault(DataFolder.Idx(Images, [2, 1 << 16, 1 << 16], body), 4, Most, "2 x 65536 x 65536");
        Fault(DataFolder.Idx(Images, [2, (1 << 29) + 1, 1], body), 4, Most, "2 x 536870913 x 1");

        void Fault(byte[] bytes, long offset, string expected, string found)
        {
            var path = folder.Write("images", compressed ? DataFolder.Gzip(bytes) : bytes);
            DataFolder.AssertFault(path, offset, expected, found, () => Idx.Load(path, labels));
        }
    }

    [Fact]
    public void Every_fault_of_the_labels_is_refused_with_file_offset_expected_found()
    {
        using var folder = new DataFolder();
        var images = folder.Write("images", DataFolder.Idx(Images, [3, 1, 1], [1, 2, 3]));
        Fault(DataFolder.Idx(Images, [3], [0, 1, 2]), 0, "0x00000801 of IDX labels", "0x00000803");
        Fault(DataFolder.Idx(Labels, [2], [0, 1]), 4, $"3 labels, as many as {images} has images", "2");
        Fault(DataFolder.Idx(Labels, [3], [0, 10, 2]), 9, "a label from 0 to 9", "10", Idx.Digits);
        // As the letters of EMNIST are.
        Fault(DataFolder.Idx(Labels, [3], [1, 26, 2]), 8, "labels from 0", "1 to 26: they count from 1");
        Fault(DataFolder.Idx(Labels, [3], [1, 3, 2]), 8, "labels from 0", "they count from 1", ["a", "b", "c"]);
        // With a name for 0, which no image has to be of.
        using (var letters = Idx.Load(images, folder.Write("labels", DataFolder.Idx(Labels, [3], [1, 26, 2])), Idx.Numbers(27)))
            Assert.Equal([1, 26, 2], letters.Labels.data<long>().ToArray());
        Fault(DataFolder.Idx(Labels, [3], [0, 1]), 10, "1 more byte(s) of labels", "the end of the file");
        Fault(DataFolder.Idx(Labels, [3], [0, 1, 2, 3]), 11, "the end of the file", "more bytes");

        void Fault(byte[] bytes, long offset, string expected, string found, IReadOnlyList<string>? names = null)
        {
            var path = folder.Write("labels", bytes);
            DataFolder.AssertFault(path, offset, expected, found, () => Idx.Load(images, path, names));
        }
    }

    [Fact]
    public void A_header_that_promises_a_gigabyte_costs_no_gigabyte()
    {
        using var folder = new DataFolder();
        var labels = folder.Write("labels", DataFolder.Idx(Labels, [1], [0]));
        var images = folder.Write("images", DataFolder.Gzip(DataFolder.Idx(Images, [1, 1 << 15, 1 << 15], DataFolder.Pattern(5000))));
        var before = GC.GetAllocatedBytesForCurrentThread();
        DataFolder.AssertFault(images, 16 + 5000, "more byte(s) of pixels", "the end of the file", () => Idx.Load(images, labels));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);
    }

    [Fact]
    public void A_damaged_gzip_file_is_refused_or_read_to_the_same_bytes()
    {
        using var folder = new DataFolder();
        var pixels = DataFolder.Pattern(4 * 64 * 64);
        var labels = folder.Write("labels", DataFolder.Idx(Labels, [4], [0, 1, 2, 3]));
        var packed = DataFolder.Gzip(DataFolder.Idx(Images, [4, 64, 64], pixels));
        var random = new Random(1);
        for (var i = 0; i < 60; i++)
        {
            // Bit flips, and cuts that leave out at least the end of the compressed data.
            var damaged = i % 3 == 0 ? packed[..random.Next(2, packed.Length - 10)] : (byte[])packed.Clone();
            if (i % 3 != 0) damaged[random.Next(2, damaged.Length)] ^= (byte)(1 << random.Next(8));
            var images = folder.Write("images", damaged);
            try
            {
                using var data = Idx.Load(images, labels);
                // Some bits of the gzip header mean nothing to a reader.
                Assert.Equal(pixels, data.Images.data<byte>().ToArray());
                Assert.NotEqual(0, i % 3);
            }
            catch (DataFileException exception)
            {
                Assert.Equal(images, exception.Path);
            }
        }
    }

    [SharedFact("data/fashion-mnist/t10k-images-idx3-ubyte.gz", "data/fashion-mnist/t10k-labels-idx1-ubyte.gz")]
    public void The_test_split_of_fashion_mnist_is_read()
    {
        using var data = Idx.LoadFolder(Shared.Path("data/fashion-mnist"), DataSplit.Test, ImageDataset.FashionMnistClasses);
        Assert.Equal([10000, 1, 28, 28], data.Images.shape);
        Assert.Equal([9, 2, 1, 1, 6, 1, 4, 6, 5, 7], data.Labels.data<long>().ToArray()[..10]);
        Assert.All(data.Labels.data<long>().ToArray().CountBy(label => label), count => Assert.Equal(1000, count.Value));
        Assert.Equal(573_469_082, data.Images.data<byte>().ToArray().Sum(pixel => (long)pixel));
    }
}

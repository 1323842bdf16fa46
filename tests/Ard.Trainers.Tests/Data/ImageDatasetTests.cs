namespace Ard.Trainers.Tests.Data;

public sealed class ImageDatasetTests
{
    private static ImageDataset Numbered(int count = 6) => new(
        arange(0, count * 4, dtype: ScalarType.Byte).reshape(count, 1, 2, 2),
        arange(0, count, dtype: ScalarType.Int64).remainder(3), ["a", "b", "c"]);

    [Fact]
    public void A_batch_is_float_in_unit_range_in_the_order_of_the_indices()
    {
        using var scope = NewDisposeScope();
        using var data = Numbered();
        var (images, labels) = data.Batch(tensor(new[] { 4L, 1L, 4L }));
        Assert.Equal(ScalarType.Float32, images.dtype);
        Assert.Equal([3, 1, 2, 2], images.shape);
        Assert.Equal(new[] { 16, 17, 18, 19, 4, 5, 6, 7, 16, 17, 18, 19 }.Select(i => i / 255f), images.data<float>().ToArray());
        Assert.Equal([1, 1, 1], labels.data<long>().ToArray());
        var (range, rangeLabels) = data.Batch(4, 2);
        Assert.Equal(Enumerable.Range(16, 8).Select(i => i / 255f), range.data<float>().ToArray());
        Assert.Equal([1, 2], rangeLabels.data<long>().ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => data.Batch(5, 2));
    }

    [Fact]
    public void All_256_bytes_become_byte_divided_by_255()
    {
        using var scope = NewDisposeScope();
        using var data = new ImageDataset(arange(0, 256, dtype: ScalarType.Byte).reshape(1, 1, 16, 16), tensor(new[] { 0L }), ["a", "b"]);
        Assert.Equal(Enumerable.Range(0, 256).Select(i => i / 255f), data.Batch(0, 1).Images.data<float>().ToArray());
    }

    [Fact]
    public void Batches_of_float_images_are_copies()
    {
        using var scope = NewDisposeScope();
        using var data = new ImageDataset(full([2, 1, 1, 1], 0.25f), tensor(new[] { 0L, 1L }), ["a", "b"]);
        data.Batch(0, 2).Images.zero_();
        data.Batch(tensor(new[] { 0L, 1L })).Images.zero_();
        Assert.Equal([0.25f, 0.25f], data.Batch(0, 2).Images.data<float>().ToArray());
    }

    [Fact]
    public void Take_and_subset_are_data_sets_of_their_own()
    {
        using var scope = NewDisposeScope();
        var data = Numbered();
        using var first = data.Take(2);
        using var all = data.Take(100);
        using var picked = data.Subset(tensor(new[] { 5L, 0L }));
        using var moved = data.To(CPU);
        data.Dispose();
        Assert.Equal([0, 1], first.Labels.data<long>().ToArray());
        Assert.Equal(6, all.Count);
        Assert.Equal([20, 21, 22, 23, 0, 1, 2, 3], picked.Images.data<byte>().ToArray());
        Assert.Equal([2, 0], picked.Labels.data<long>().ToArray());
        Assert.Equal(24, moved.Images.numel());
        Assert.Throws<ArgumentOutOfRangeException>(() => first.Take(0));
        Assert.Throws<ArgumentException>(() => first.Subset(zeros(0, dtype: ScalarType.Int64)));
        Assert.Throws<ArgumentException>(() => first.Subset(tensor(new[] { 0f })));
    }

    [Fact]
    public void A_split_is_a_partition_that_depends_on_the_seed_alone()
    {
        using var data = Numbered(40);
        var (kept, drawn) = data.Split(7, seed: 3);
        var (_, again) = data.Split(7, seed: 3);
        var (_, other) = data.Split(7, seed: 4);
        Assert.Equal((33, 7), (kept.Count, drawn.Count));
        Assert.Equal(Numbers(again), Numbers(drawn));
        Assert.NotEqual(Numbers(other), Numbers(drawn));
        Assert.Equal(Numbers(kept).Order(), Numbers(kept));
        Assert.Equal(Enumerable.Range(0, 40), Numbers(kept).Concat(Numbers(drawn)).Order());
        Assert.Throws<ArgumentOutOfRangeException>(() => data.Split(40, seed: 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => data.Split(0, seed: 3));

        // An image's number is a quarter of its first byte.
        static IEnumerable<int> Numbers(ImageDataset set) => set.Images.data<byte>().ToArray().Chunk(4).Select(pixels => pixels[0] / 4);
    }

    [Fact]
    public void A_data_set_outlives_the_dispose_scope_in_which_it_was_made()
    {
        ImageDataset data, part;
        using (NewDisposeScope())
        {
            data = Numbered();
            part = data.Split(2, seed: 1).Kept;
        }
        Assert.Equal((6, 4), (data.Count, part.Count));
        Assert.Equal(24, data.Images.data<byte>().ToArray().Length);
        data.Dispose();
        part.Dispose();
    }

    [Fact]
    public void All_faults_of_the_tensors_are_in_one_message()
    {
        using var scope = NewDisposeScope();
        var message = Message(zeros(2, 3, 4), tensor(new[] { 0f }), ["a"]);
        Assert.Contains("images are Float32 [2,3,4], expected uint8 or float32 [N,C,H,W]", message);
        Assert.Contains("labels are Float32 [1], expected int64 [N]", message);
        Assert.Contains("1 class name(s)", message);
        message = Message(full([2, 1, 1, 1], 1.5f), tensor(new[] { 0L, 2L, -1L }), ["a", "b"]);
        Assert.Contains("2 images and 3 labels", message);
        Assert.Contains("images lie in [1.5,1.5], expected [0,1]", message);
        Assert.Contains("labels lie in -1 to 2, expected 0 to 1", message);
        Assert.Contains("images lie in [NaN,NaN]", Message(full([1, 1, 1, 1], float.NaN), tensor(new[] { 0L }), ["a", "b"]));

        static string Message(Tensor images, Tensor labels, string[] names) =>
            Assert.Throws<ArgumentException>(() => new ImageDataset(images, labels, names)).Message;
    }

    [Fact]
    public void A_path_that_is_no_data_set_is_refused_with_what_is_expected()
    {
        using var folder = new DataFolder();
        const string without = "a folder without them (folders of photographs are for LoadImageFolder, in ML.NET)";
        foreach (var (path, found) in new[] { (folder.Root, without), (folder.File("nowhere"), "nothing") })
            DataFolder.AssertFault(path, 0, "CIFAR-10 or CIFAR-100", found, () => ImageDataset.Load(path, DataSplit.Train));
    }
}

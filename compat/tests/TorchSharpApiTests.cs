using TorchSharp;

namespace Compat.Tests;

public class TorchSharpApiTests
{
    [Fact]
    public void The_stand_in_has_no_public_member_that_TorchSharp_lacks() =>
        ApiSubset.Check(typeof(torch).Assembly, "TorchSharp", "TorchSharp.txt");

    [RealListsFact]
    public void The_kept_list_is_part_of_the_real_one() => ApiSubset.CheckKept("TorchSharp", "TorchSharp.txt");
}
